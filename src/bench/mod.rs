//! The load generator behind `koine bench`.
//!
//! One thread holds all connections, writes prepared frames and reads no more of what comes in than it has to, so
//! that its own cost is small beside the server's. Every message names its stream, its place and when it was due;
//! from that follow the latency and what was lost, duplicated or disordered. The gateway and what it is compared with
//! run in turns, round by round, on the same core, so that a machine's mood touches both.
//!
//! ```text
//!   profile ─► world (users, connections, streams) ─► traffic ─► links ─► server (a child process)
//!                                                        │
//!   report ◄─ rows ◄─ figures, processor time, faults ◄──┘
//! ```

pub mod engine;
pub mod frame;
pub mod http;
pub mod links;
pub mod number;
pub mod options;
pub mod process;
pub mod profile;
pub mod report;
pub mod server;
pub mod tally;
pub mod text;
pub mod traffic;
pub mod wire;
pub mod world;

pub use options::{Mix, Options, Profile, Running};
pub use profile::run;
pub use report::Report;
pub use server::{Programs, Rival};
