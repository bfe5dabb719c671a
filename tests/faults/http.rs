//! One HTTP request on a connection of its own.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::process::{PATIENCE, Place};

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Null where the body is no JSON.
    pub(crate) body: Value,
}

/// Asks, and waits for the whole answer.
pub(crate) async fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Result<Answer> {
    let asking = async {
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let driving = tokio::spawn(connection);
        let mut request = hyper::Request::builder().method(method).uri(path).header("host", address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let response = sender.send_request(request.body(Full::new(Bytes::from(bytes)))?).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        driving.abort();
        Ok(Answer { status, body: serde_json::from_slice(&body).unwrap_or_default() })
    };
    timeout(PATIENCE, asking).await.with_context(|| format!("{method} {path} was not answered in time"))?
}

impl Place {
    /// Asks the management API; anything but success is an error.
    pub(crate) async fn manage(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let key = format!("Bearer {}", self.key);
        let answer = call(self.management, method, path, &[("authorization", &key)], body).await?;
        ensure!(answer.status < 300, "{method} {path} was answered with {}: {}", answer.status, answer.body);
        Ok(answer.body)
    }
}
