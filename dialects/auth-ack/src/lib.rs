//! The auth-ack dialect.
