//! The gateway over real sockets, with a real hub and store.

mod autobahn;
mod closing;
mod http;
mod listeners;
mod sockets;
mod world;
