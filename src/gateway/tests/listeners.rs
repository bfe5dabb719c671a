//! Listeners: TLS, proxies, limits of connections.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::world::{Client, World, ask, soon};
use crate::config::TlsConfig;

#[tokio::test]
async fn a_listener_with_a_certificate_speaks_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["chat.example.org".to_owned()]).expect("a certificate");
    let tls = TlsConfig { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&tls.certificate, made.cert.pem()).expect("written");
    std::fs::write(&tls.key, made.signing_key.serialize_pem()).expect("written");
    let world = World::start(|config| config.listeners[0].tls = Some(tls)).await;

    let connect = async || secure(&world, made.cert.der()).await;
    let pull = async |header: &str| {
        let mut stream = connect().await;
        soon(ask(&mut stream, "GET", "/api/message", &[header], b"")).await
    };
    let answer = pull("Authorization: Bearer demo-tom").await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"[]".as_slice()));
    let mut tom = Box::pin(Client::open(connect().await, "/chat")).await;
    tom.log_in("tom").await;
    tom.tell("tom", "jack", "1", "hello").await;
    assert_eq!(pull("Authorization: Bearer demo-jack").await.json()[0]["messages"][0]["content"], "hello");
    let again = pull("Authorization: Bearer demo-jack").await;
    assert_eq!(again.body, b"[]", "handed over under TLS, it is consumed");
}

async fn secure(world: &World, certificate: &CertificateDer<'static>) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a root");
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(world.address).await.expect("a connection");
    let name = ServerName::try_from("chat.example.org").expect("a name");
    soon(TlsConnector::from(Arc::new(config)).connect(name, stream)).await.expect("a handshake")
}

#[tokio::test]
async fn connections_from_one_address_are_limited_and_room_is_made_again() {
    let world = World::start(|config| {
        config.limits.loopback = true;
        config.limits.connections_per_address = 2;
    })
    .await;
    let first = world.envelope("tom").await;
    let _second = world.envelope("tom").await;
    assert_eq!(world.ask("GET", "/nowhere", &[], b"").await.status, 429);
    drop(first);
    soon(async {
        while world.ask("GET", "/nowhere", &[], b"").await.status != 404 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn there_are_only_so_many_connections_in_all() {
    let world = World::start(|config| config.limits.connections = 1).await;
    let _only = world.envelope("tom").await;
    assert_eq!(world.ask("GET", "/nowhere", &[], b"").await.status, 503);
}

#[tokio::test]
async fn a_trusted_proxy_says_whom_it_speaks_for() {
    let world = World::start(|config| {
        config.proxy.trusted = vec!["127.0.0.0/8".to_owned()];
        config.listeners[0].proxy_protocol = true;
        config.limits.connections_per_address = 1;
    })
    .await;
    let open = async |client: &str| {
        let mut stream = TcpStream::connect(world.address).await.expect("a connection");
        stream.write_all(format!("PROXY TCP4 {client} 10.0.0.1 4711 80\r\n").as_bytes()).await.expect("written");
        stream
    };
    let mut first = Client::open(open("192.0.2.1").await, "/chat").await;
    first.log_in("tom").await;
    let mut other = open("192.0.2.2").await;
    assert_eq!(soon(ask(&mut other, "GET", "/nowhere", &[], b"")).await.status, 404);
    let mut same = open("192.0.2.1").await;
    assert_eq!(soon(ask(&mut same, "GET", "/nowhere", &[], b"")).await.status, 429);
    let mut none = TcpStream::connect(world.address).await.expect("a connection");
    none.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("written");
    let mut nothing = Vec::new();
    assert_eq!(soon(none.read_to_end(&mut nothing)).await.unwrap_or(0), 0, "no header, no service");
}

#[tokio::test]
async fn forwarded_clients_are_counted_by_their_own_address() {
    let world = World::start(|config| {
        config.proxy.trusted = vec!["127.0.0.0/8".to_owned()];
        config.limits.connections_per_address = 1;
        config.limits.loopback = true;
    })
    .await;
    let open = async |client: &str| {
        let stream = TcpStream::connect(world.address).await.expect("a connection");
        Client::try_open(stream, "/chat", &[("x-forwarded-for", client)]).await
    };
    let _first = open("192.0.2.1").await.expect("room");
    assert!(open("192.0.2.2").await.is_ok());
    assert_eq!(open("192.0.2.1").await.err(), Some(429));
}
