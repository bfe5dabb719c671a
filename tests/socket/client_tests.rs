//! The clients, tested against servers that are not ours.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use libtest_mimic::Trial;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, accept};

use super::PATIENCE;
use super::http::Outgoing;
use super::websocket::{Incoming, WebSocket};

/// A server of one connection.
fn serve<T: Send + 'static>(
    server: impl FnOnce(TcpStream) -> Result<T> + Send + 'static,
) -> Result<(SocketAddr, JoinHandle<Result<T>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    Ok((address, std::thread::spawn(move || server(listener.accept()?.0))))
}

/// A request's head and its body of two bytes, if it has one.
fn request_of(stream: &mut TcpStream) -> Result<String> {
    let mut asked = Vec::new();
    let end = |asked: &[u8]| asked.ends_with(b"\r\n\r\n") || asked.ends_with(b"{}");
    while !end(&asked) {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        asked.extend(byte);
    }
    if asked.starts_with(b"POST") && asked.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut [0; 2])?;
    }
    Ok(String::from_utf8(asked)?)
}

fn join<T>(thread: JoinHandle<Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("the server panicked"))?
}

fn open(address: SocketAddr) -> Result<WebSocket> {
    WebSocket::open(address, "/ws?a=b", PATIENCE)?.map_err(|refusal| anyhow!("refused with {}", refusal.status))
}

fn frames_go_both_ways() -> Result<()> {
    let (address, server) = serve(|stream| {
        let mut socket = accept(stream).map_err(|error| anyhow!("{error}"))?;
        for _ in 0..3 {
            let message = socket.read()?;
            socket.send(message)?;
        }
        Ok(())
    })?;
    let mut socket = open(address)?;
    for length in [5, 300, 70_000] {
        let text = "ä".repeat(length);
        socket.send(&text)?;
        ensure!(socket.next(PATIENCE)? == Incoming::Text(text), "{length} characters did not come back");
    }
    join(server)
}

fn a_ping_is_answered_unless_the_client_is_mute() -> Result<()> {
    let (address, server) = serve(|stream| {
        let mut socket = accept(stream).map_err(|error| anyhow!("{error}"))?;
        socket.send(Message::Ping("first".into()))?;
        let pong = socket.read()?;
        socket.send(Message::Text("go on".into()))?;
        let heard = socket.read()?;
        socket.send(Message::Ping("second".into()))?;
        socket.send(Message::Text("go on".into()))?;
        Ok((pong, heard, socket.read()?))
    })?;
    let mut socket = open(address)?;
    socket.next(PATIENCE)?;
    socket.mute();
    socket.send("muted")?;
    socket.next(PATIENCE)?;
    socket.send("still here")?;
    let (pong, muted, last) = join(server)?;
    ensure!(pong == Message::Pong("first".into()), "{pong:?}");
    ensure!(muted == Message::Text("muted".into()) && last == Message::Text("still here".into()), "{muted:?} {last:?}");
    Ok(())
}

fn a_close_shows_its_code_and_reason() -> Result<()> {
    let (address, server) = serve(|stream| {
        let mut socket = accept(stream).map_err(|error| anyhow!("{error}"))?;
        socket.close(Some(CloseFrame { code: 4003.into(), reason: "no".into() }))?;
        while socket.read().is_ok() {}
        Ok(())
    })?;
    let mut socket = open(address)?;
    let close = socket.next(PATIENCE)?;
    ensure!(close == Incoming::Close(4003, "no".to_owned()), "{close:?}");
    join(server)
}

fn what_comes_unasked_is_surplus() -> Result<()> {
    let (address, server) = serve(|stream| {
        let mut socket = accept(stream).map_err(|error| anyhow!("{error}"))?;
        socket.send(Message::Text("unasked".into()))?;
        while socket.read().is_ok() {}
        Ok(())
    })?;
    let mut socket = open(address)?;
    let surplus = socket.surplus(PATIENCE)?;
    ensure!(surplus == [Incoming::Text("unasked".to_owned())], "{surplus:?}");
    ensure!(socket.surplus(PATIENCE)?.is_empty(), "it came twice");
    drop(socket);
    join(server)
}

fn a_refusal_shows_its_status_and_body() -> Result<()> {
    let refusal = "HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nstay\r\n4\r\n out\r\n0\r\n\r\n";
    let (address, server) = serve(move |mut stream| {
        let asked = request_of(&mut stream)?;
        stream.write_all(refusal.as_bytes())?;
        Ok(asked)
    })?;
    let refusal = WebSocket::open(address, "/ws?a=b", PATIENCE)?.err().context("it was let in")?;
    ensure!(refusal.status == 401 && refusal.body == b"stay out", "{refusal:?}");
    let asked = join(server)?;
    ensure!(asked.starts_with("GET /ws?a=b HTTP/1.1\r\n"), "{asked}");
    Ok(())
}

fn a_body_that_ends_early_is_noticed() -> Result<()> {
    let (address, server) = serve(|mut stream| {
        request_of(&mut stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")?;
        Ok(())
    })?;
    let outcome = Outgoing::json("POST", "/", "{}").send(address, PATIENCE);
    ensure!(outcome.is_err_and(|error| error.to_string().contains("ends early")), "half a body was taken for a whole");
    join(server)
}

fn silence_is_noticed_in_time() -> Result<()> {
    let (address, server) = serve(|stream| {
        let mut socket = accept(stream).map_err(|error| anyhow!("{error}"))?;
        while socket.read().is_ok() {}
        Ok(())
    })?;
    let mut socket = open(address)?;
    ensure!(socket.next(Duration::from_millis(20)).is_err(), "something came out of nothing");
    drop(socket);
    join(server)
}

/// A test by its name.
type Test = (&'static str, fn() -> Result<()>);

/// The tests of the clients.
pub(crate) fn trials() -> Vec<Trial> {
    let tests: [Test; 7] = [
        ("frames go both ways, short and long", frames_go_both_ways),
        ("a ping is answered unless the client is mute", a_ping_is_answered_unless_the_client_is_mute),
        ("a close shows its code and reason", a_close_shows_its_code_and_reason),
        ("what comes unasked is surplus", what_comes_unasked_is_surplus),
        ("a refusal shows its status and body", a_refusal_shows_its_status_and_body),
        ("a body that ends early is noticed", a_body_that_ends_early_is_noticed),
        ("silence is noticed in time", silence_is_noticed_in_time),
    ];
    let trial = |(name, test): Test| {
        Trial::test(format!("harness {name}"), move || test().map_err(|error| format!("{error:#}").into()))
    };
    tests.into_iter().map(trial).collect()
}
