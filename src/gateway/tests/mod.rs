//! The gateway over real sockets, with a real hub and store.

mod closing;
mod http;
mod listeners;
mod sockets;
mod world;
