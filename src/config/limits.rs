//! Bounds on what clients can make the gateway do.

use std::time::Duration;

use super::duration;
use serde::{Deserialize, Serialize};

/// Bounds on what clients can make the gateway do. A limit that is hit is answered in the dialect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The content of a message, in bytes. Default 64 KiB.
    pub message: usize,
    /// A WebSocket frame or message, in bytes. Default 128 KiB.
    pub frame: usize,
    /// The body of an HTTP request that is not an upload, in bytes. Default 1 MiB.
    pub http_body: usize,
    /// An uploaded file, in bytes. Default 20 MiB.
    pub upload: u64,
    /// Files one user may keep, in bytes all together. Default 1 GiB.
    pub user_files: u64,
    /// Files of all users, in bytes all together. Default 20 GiB.
    pub total_files: u64,
    /// Frames waiting for one connection. Default 1,024.
    pub mailbox_frames: usize,
    /// Bytes waiting for one connection. Default 4 MiB.
    pub mailbox_bytes: usize,
    /// Bytes waiting for all connections together, shared frames counted once. Default 512 MiB.
    pub outbound_total: usize,
    /// Commands of one connection under way at once; past it reading pauses. Default 64.
    pub in_flight: usize,
    /// Bytes of sends waiting to be committed. Default 64 MiB.
    pub commit_queue: usize,
    /// Requests or frames per second and connection; 0 is no limit. Default 1,000.
    pub requests: u32,
    /// Requests or frames a connection may send at once above that. Default 2,000.
    pub requests_burst: u32,
    /// Registrations and token exchanges per second, per address and per user; 0 is no limit. Default 10.
    pub registrations: u32,
    /// Connections in all. Default 100,000.
    pub connections: usize,
    /// Connections from one address. Default 2,000.
    pub connections_per_address: usize,
    /// Whether limits per address also hold for loopback addresses. Default false.
    pub loopback: bool,
    /// A connection that has not authenticated is closed after this time. Default 60 s.
    #[serde(with = "duration")]
    pub unauthenticated: Duration,
    /// TLS and WebSocket handshakes, and the first frame where it tells the dialect. Default 10 s.
    #[serde(with = "duration")]
    pub handshake: Duration,
    /// The headers of an HTTP request. Default 10 s.
    #[serde(with = "duration")]
    pub header_read: Duration,
    /// The longest pause within an HTTP body, either way. Default 30 s.
    #[serde(with = "duration")]
    pub body_pause: Duration,
    /// How long a connection may be silent before it is pinged. Default 30 s.
    #[serde(with = "duration")]
    pub idle_ping: Duration,
    /// How long a connection may be silent before it is given up. Default 90 s.
    #[serde(with = "duration")]
    pub dead: Duration,
    /// Members of one group. Default 100,000.
    pub group_members: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 64 << 10,
            frame: 128 << 10,
            http_body: 1 << 20,
            upload: 20 << 20,
            user_files: 1 << 30,
            total_files: 20 << 30,
            mailbox_frames: 1_024,
            mailbox_bytes: 4 << 20,
            outbound_total: 512 << 20,
            in_flight: 64,
            commit_queue: 64 << 20,
            requests: 1_000,
            requests_burst: 2_000,
            registrations: 10,
            connections: 100_000,
            connections_per_address: 2_000,
            loopback: false,
            unauthenticated: Duration::from_mins(1),
            handshake: Duration::from_secs(10),
            header_read: Duration::from_secs(10),
            body_pause: Duration::from_secs(30),
            idle_ping: Duration::from_secs(30),
            dead: Duration::from_secs(90),
            group_members: 100_000,
        }
    }
}
