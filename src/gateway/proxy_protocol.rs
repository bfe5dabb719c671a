//! The PROXY protocol's header, versions 1 and 2, by which a TCP proxy says whom it speaks for.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt};

const V2_SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const V1_LONGEST: usize = 107;
const V2_LONGEST: usize = 4_096;

/// Reads the header and nothing beyond it. `None`: the proxy speaks for itself (health checks, or an
/// address family without addresses).
///
/// # Errors
/// `InvalidData` where there is no header of either version.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    // No header of either version is shorter than this.
    let mut start = [0; V2_SIGNATURE.len()];
    stream.read_exact(&mut start).await?;
    if start == V2_SIGNATURE { read_v2(stream).await } else { read_v1(stream, &start).await }
}

async fn read_v1(stream: &mut (impl AsyncRead + Unpin), start: &[u8]) -> io::Result<Option<SocketAddr>> {
    let mut line = start.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() >= V1_LONGEST || !line.starts_with(b"PROXY ") {
            return Err(invalid("no PROXY header"));
        }
        line.push(stream.read_u8().await?);
    }
    let line = std::str::from_utf8(&line).map_err(|_| invalid("a PROXY line that is not text"))?;
    let mut words = line.trim_end().split(' ').skip(1);
    match words.next() {
        Some("UNKNOWN") => Ok(None),
        Some("TCP4" | "TCP6") => {
            let address: Option<IpAddr> = words.next().and_then(|word| word.parse().ok());
            let port: Option<u16> = words.nth(1).and_then(|word| word.parse().ok());
            match (address, port) {
                (Some(address), Some(port)) => Ok(Some(SocketAddr::new(address, port))),
                _ => Err(invalid("a PROXY line without addresses")),
            }
        }
        _ => Err(invalid("a PROXY line of an unknown family")),
    }
}

async fn read_v2(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let version_and_command = stream.read_u8().await?;
    let family = stream.read_u8().await?;
    let length = usize::from(stream.read_u16().await?);
    if version_and_command >> 4 != 2 || length > V2_LONGEST {
        return Err(invalid("a PROXY header of an unknown version or size"));
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    match version_and_command & 0x0f {
        0 => Ok(None),
        1 => v2_source(family >> 4, &rest),
        _ => Err(invalid("a PROXY header with an unknown command")),
    }
}

/// The source address: the first of two, before the two ports.
fn v2_source(family: u8, rest: &[u8]) -> io::Result<Option<SocketAddr>> {
    let source = match family {
        1 => rest.first_chunk::<4>().map(|bytes| IpAddr::from(Ipv4Addr::from(*bytes))).zip(port(rest, 8)),
        2 => rest.first_chunk::<16>().map(|bytes| IpAddr::from(Ipv6Addr::from(*bytes))).zip(port(rest, 32)),
        _ => return Ok(None),
    };
    match source {
        Some((address, port)) => Ok(Some(SocketAddr::new(address, port))),
        None => Err(invalid("a PROXY header that is too short for its family")),
    }
}

fn port(rest: &[u8], at: usize) -> Option<u16> {
    rest.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parse(mut bytes: &[u8]) -> (io::Result<Option<SocketAddr>>, Vec<u8>) {
        let result = read(&mut bytes).await;
        (result, bytes.to_vec())
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).expect("short");
        [&V2_SIGNATURE[..], &[command, family], &length.to_be_bytes(), rest, b"GET"].concat()
    }

    #[tokio::test]
    async fn a_v1_line_names_the_client_and_leaves_what_follows() {
        let (result, rest) = parse(b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\nGET / HTTP/1.1").await;
        assert_eq!(result.expect("a header"), Some("192.0.2.1:4711".parse().expect("an address")));
        assert_eq!(rest, b"GET / HTTP/1.1");
        let (result, _) = parse(b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n").await;
        assert_eq!(result.expect("a header"), Some("[2001:db8::1]:4711".parse().expect("an address")));
        assert_eq!(parse(b"PROXY UNKNOWN\r\n").await.0.expect("a header"), None);
    }

    #[tokio::test]
    async fn a_v2_header_names_the_client_and_leaves_what_follows() {
        let four = [192, 0, 2, 1, 10, 0, 0, 1, 0x12, 0x67, 0, 80];
        let (result, rest) = parse(&v2(0x21, 0x11, &four)).await;
        assert_eq!(result.expect("a header"), Some("192.0.2.1:4711".parse().expect("an address")));
        assert_eq!(rest, b"GET");
        let mut six = [0; 36];
        six[15] = 1;
        six[33] = 7;
        let (result, _) = parse(&v2(0x21, 0x21, &six)).await;
        assert_eq!(result.expect("a header"), Some("[::1]:7".parse().expect("an address")));
        assert_eq!(parse(&v2(0x20, 0, &[])).await.0.expect("a header"), None);
    }

    #[tokio::test]
    async fn a_connection_without_a_header_is_refused() {
        let mut short = v2(0x21, 0x11, &[1, 2]);
        short.truncate(18);
        let endless = [b"PROXY TCP4 ".as_slice(), &[b'1'; 200]].concat();
        for bytes in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), b"PROXY TCP4 x y 1 2\r\n", &short, &endless] {
            assert!(parse(bytes).await.0.is_err(), "{bytes:?}");
        }
    }
}
