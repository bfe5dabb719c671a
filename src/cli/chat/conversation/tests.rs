//! Conversations with a server that acts one out.

use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async;

use super::super::talk::{Heard, Step};
use super::*;

/// A dialect for tests: what is said is answered with `ok`, unless it is left unanswered.
struct Plain {
    waiting: usize,
}

impl Talk for Plain {
    fn path(&self) -> String {
        "/".to_owned()
    }

    fn say<'a>(&'a mut self, text: &'a str) -> Step<'a, String> {
        self.waiting += 1;
        Box::pin(async move { Ok(text.to_owned()) })
    }

    fn hear(&mut self, frame: &str) -> anyhow::Result<Heard> {
        match frame {
            "ok" => self.waiting -= 1,
            "no" => return Ok(Heard::refused("not today")),
            _ => {}
        }
        Ok(Heard::nothing())
    }

    fn unanswered(&self) -> usize {
        self.waiting
    }
}

/// Says these lines to a server that does this with each message, and gives what it heard.
async fn act<F>(lines: &[&str], mut answer: F) -> (anyhow::Result<()>, Vec<String>)
where
    F: AsyncFnMut(&mut WebSocketStream<TcpStream>, &str),
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::of(&listener.local_addr().unwrap().to_string(), None).unwrap();
    let (sender, typed) = mpsc::channel(lines.len().max(1));
    for line in lines {
        sender.send((*line).to_owned()).await.unwrap();
    }
    drop(sender);
    let serving = async {
        let mut socket = accept_async(listener.accept().await.unwrap().0).await.unwrap();
        let mut heard = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                heard.push(text.to_string());
                answer(&mut socket, &text).await;
            }
        }
        heard
    };
    let mut talk = Plain { waiting: 0 };
    let screen = Screen { frames: false, terminal: false };
    tokio::join!(hold(&mut talk, &server, typed, screen), serving)
}

#[tokio::test]
async fn at_the_end_of_the_input_everything_sent_has_been_acknowledged() {
    let (result, heard) = act(&["one", "", "two"], async |socket, _| {
        socket.send(Message::text("ok")).await.unwrap();
    })
    .await;
    result.unwrap();
    assert_eq!(heard, ["one", "two"]);
}

#[tokio::test]
async fn a_server_that_closes_before_it_acknowledged_is_a_failure() {
    let (result, _) = act(&["one"], async |socket, _| {
        let frame = CloseFrame { code: CloseCode::from(4003), reason: "bad sig".into() };
        socket.close(Some(frame)).await.unwrap();
    })
    .await;
    let error = result.unwrap_err().to_string();
    assert!(error.contains("4003 bad sig"), "{error}");
}

#[tokio::test]
async fn a_server_that_refuses_ends_the_conversation() {
    let (result, _) = act(&["one"], async |socket, _| socket.send(Message::text("no")).await.unwrap()).await;
    assert_eq!(result.unwrap_err().to_string(), "the server refused: not today");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let (_sender, typed) = mpsc::channel(1);
    let server = Server::of(&address, None).unwrap();
    let screen = Screen { frames: false, terminal: false };
    let error = hold(&mut Plain { waiting: 0 }, &server, typed, screen).await.unwrap_err();
    assert!(error.to_string().contains(&format!("cannot reach {address}")), "{error}");
}
