//! The status-code dialect.
