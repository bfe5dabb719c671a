//! The envelope dialect.
