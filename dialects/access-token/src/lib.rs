//! The access-token dialect.
