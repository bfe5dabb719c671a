//! The gateway over real sockets, with a real hub and store.

mod autobahn;
mod closing;
mod gate;
mod http;
mod listeners;
mod slow_store;
mod sockets;
mod world;
