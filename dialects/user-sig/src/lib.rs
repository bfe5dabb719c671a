//! The user-sig dialect.
