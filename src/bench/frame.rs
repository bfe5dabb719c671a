//! WebSocket frames (RFC 6455), as far as a client that builds its own needs them.

use memchr::memmem;

use super::text::{self, Stamp};

/// The mask of every frame: nothing. A server unmasks with it as with any other, and prepared frames can be written
/// as they are.
const MASK: [u8; 4] = [0; 4];
/// The bit that says so.
const MASKED: u8 = 0x80;
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// A masked text frame.
pub fn text(payload: &str) -> Vec<u8> {
    client(TEXT, payload.as_bytes())
}

/// The answer to a Ping.
pub fn pong(payload: &[u8]) -> Vec<u8> {
    client(PONG, payload)
}

/// A close frame that gives the reason "normal".
pub fn close() -> Vec<u8> {
    client(CLOSE, &1_000_u16.to_be_bytes())
}

fn client(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    let length = payload.len();
    if let Ok(length @ 0..=125) = u8::try_from(length) {
        frame.push(MASKED | length);
    } else if let Ok(length) = u16::try_from(length) {
        frame.push(MASKED | 0x7e);
        frame.extend(length.to_be_bytes());
    } else {
        frame.push(MASKED | 0x7f);
        frame.extend(u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
    }
    frame.extend(MASK);
    frame.extend(payload);
    frame
}

/// What a server sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A text.
    Text(&'a [u8]),
    /// A Ping, to be answered with the same payload.
    Ping(&'a [u8]),
    /// The end of the connection, with its code.
    Close(u16),
    /// Something that needs no answer.
    Other,
}

/// A server sent what no server may, or what this client does not understand.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken;

/// The first frame of what has arrived and what follows it; `None` where it has not all arrived.
pub fn next(bytes: &[u8]) -> Result<Option<(Part<'_>, &[u8])>, Broken> {
    let Some((&[first, second], rest)) = bytes.split_first_chunk::<2>() else { return Ok(None) };
    let (length, rest) = match second {
        0..=125 => (usize::from(second), rest),
        126 => match rest.split_first_chunk::<2>() {
            Some((length, rest)) => (usize::from(u16::from_be_bytes(*length)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk::<8>() {
            Some((length, rest)) => (usize::try_from(u64::from_be_bytes(*length)).map_err(|_| Broken)?, rest),
            None => return Ok(None),
        },
        // Servers do not mask.
        _ => return Err(Broken),
    };
    let Some((payload, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    let part = match first {
        TEXT => Part::Text(payload),
        PING => Part::Ping(payload),
        PONG => Part::Other,
        CLOSE => Part::Close(payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code))),
        _ => return Err(Broken),
    };
    Ok(Some((part, rest)))
}

/// A frame that is sent again and again, each time with another text and id.
#[derive(Debug, Clone)]
pub struct Template {
    bytes: Vec<u8>,
    text: usize,
    id: Option<usize>,
    run: u16,
}

impl Template {
    /// The frame of a JSON text that has a blank text somewhere, and where the dialect has ids of the client's,
    /// [`Template::blank_id`]. `run` tells the ids of this run from those of others.
    pub fn new(json: &str, run: u16) -> Option<Self> {
        let bytes = text(json);
        let text = memmem::find(&bytes, text::blank().as_bytes())?;
        let id = memmem::find(&bytes, Self::blank_id().as_bytes());
        Some(Self { bytes, text, id, run })
    }

    /// What stands for the id.
    pub fn blank_id() -> String {
        "9".repeat(text::ID_DIGITS)
    }

    /// The frame of a message.
    pub fn fill(&mut self, stamp: Stamp) -> &[u8] {
        if let Some(text) = self.bytes.get_mut(self.text..) {
            stamp.write(text);
        }
        if let Some(id) = self.id.and_then(|at| self.bytes.get_mut(at..at + text::ID_DIGITS)) {
            text::write_digits(text::id(self.run, stamp.stream, stamp.sequence), id);
        }
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same frame as a server would send it.
    fn from_server(mut frame: Vec<u8>) -> Vec<u8> {
        frame[1] &= 0x7f;
        let mask = match frame[1] {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        frame.drain(mask..mask + 4);
        frame
    }

    #[test]
    fn a_frame_is_read_when_all_of_it_has_arrived_whatever_its_length() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = "x".repeat(length);
            let frame = from_server(text(&payload));
            for cut in [1, frame.len() / 2, frame.len() - 1] {
                assert_eq!(next(&frame[..cut]), Ok(None), "{length} cut at {cut}");
            }
            let two = [frame.as_slice(), &frame].concat();
            assert_eq!(next(&two), Ok(Some((Part::Text(payload.as_bytes()), frame.as_slice()))));
        }
    }

    #[test]
    fn pings_and_closes_are_told_apart_and_masked_frames_refused() {
        let ping = from_server(client(PING, b"position"));
        assert_eq!(next(&ping), Ok(Some((Part::Ping(b"position"), &[][..]))));
        assert_eq!(next(&from_server(close())), Ok(Some((Part::Close(1_000), &[][..]))));
        assert_eq!(next(&text("x")), Err(Broken));
    }

    #[test]
    fn a_template_is_filled_with_text_and_id() {
        let json = format!(r#"{{"id":{},"content":"{}"}}"#, Template::blank_id(), text::blank());
        let mut template = Template::new(&json, 7).unwrap();
        let stamp = Stamp { stream: 3, sequence: 21, due: 5 };
        let frame = from_server(template.fill(stamp).to_vec());
        let Ok(Some((Part::Text(payload), _))) = next(&frame) else { panic!("no text") };
        assert_eq!(Stamp::find(payload), Some(stamp));
        assert_eq!(text::first_number(payload), Some(text::id(7, 3, 21)));
    }
}
