//! The driver over a stream in memory: a WebSocket whose handshake is taken for done.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use koine_core::SocketRequest;
use tokio::io::DuplexStream;

use super::super::connection::Connection;
use super::super::transport::{Transport, Watched};
use super::drive::Driver;
use super::link::{Link, Opened};
use super::socket::Socket;
use crate::dialects::Mounted;
use crate::hub::ConnectionInfo;

/// Drives a connection of a dialect to its end. `random` is what the system would have drawn.
pub(in crate::gateway) async fn drive(
    connection: Arc<Connection>,
    mounted: Arc<Mounted>,
    request: SocketRequest,
    stream: DuplexStream,
    random: u64,
) {
    let limits = &connection.listener.shared.config.limits;
    let info = ConnectionInfo { dialect: mounted.name, address: IpAddr::V4(Ipv4Addr::LOCALHOST), origin: None };
    let mut link = Link::open(&connection, &mounted, info, &request, u128::from(random).to_be_bytes());
    if matches!(link.opened(limits.handshake).await, Opened::Accepted) {
        let watched = Watched::new(Transport::Memory(stream), limits.body_pause, Arc::clone(&connection.handover));
        let mut driver = Driver::new(link, Socket::new(watched, &[], limits.frame), random);
        let parting = driver.run().await;
        driver.part(parting).await;
    }
}
