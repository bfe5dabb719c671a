//! WebSocket connections: one driver for every dialect.
//!
//! ```text
//! upgrade request ─► Link (session, commands) ─► accepted ─► Driver: socket ⇄ session ⇄ hub
//!                                             └► rejected ─► plain HTTP reply
//! ```
//!
//! The [`link`] feeds the dialect's session and carries its commands out; the [`socket`] turns frames
//! into bytes and back; the [`drive`] loop stands between them and the hub's events.

mod acks;
mod closing;
mod confirm;
mod detect;
mod drive;
mod link;
#[cfg(test)]
mod simulated;
mod socket;
mod upgrade;

#[cfg(test)]
pub(super) use simulated::drive;
pub(super) use upgrade::upgrade;
