//! A model-based simulation of the whole server, without sockets and on virtual time.
//!
//! ```text
//! seed ─► steps ─► world ─┬─► clients of five dialects ─► driver ─► hub ─► witness ─► store ─► disk
//!                         │                                                  │
//!                         └── compares what everybody sees with the ◄── reference
//! ```
//!
//! Users on random dialects connect, half-open connections, lose Pongs and acknowledgements, read
//! slowly and come back, while the process is stopped, killed and cut off from power, also in the middle
//! of a commit. A [`model`] that knows nothing of stores decides the same operations; what users see must
//! equal it at every step. In the end everything heals, and nobody may miss anything.
//!
//! `LONG_TESTS=1` lets 10,000 seeds run instead of 200; `SIMULATION_SEED=n` lets one seed run and prints
//! what happened.

mod client;
mod model;
mod random;
mod run;
mod step;
mod tests;
mod witness;
mod world;
