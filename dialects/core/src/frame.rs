//! A frame as it leaves for clients, with places for what differs by receiver.

use std::ops::Range;

use serde::Serialize;

use crate::{Body, Handle, Timestamp, Zone, json};

/// One text frame. Receivers of one dialect and view share it; what differs between them is left
/// open as a [`Hole`] and spliced in, so that the body is serialised once however many receive it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    text: String,
    holes: Vec<(usize, Hole)>,
}

/// What is filled in for each receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hole {
    /// The receiver's handle, as a JSON string with its quotes.
    Receiver,
    /// How many messages of the conversation the receiver has not read, as a JSON number.
    Unread,
}

impl Frame {
    /// An empty frame, to be pushed to.
    pub const fn new() -> Self {
        Self { text: String::new(), holes: Vec::new() }
    }

    /// An empty frame with room for this many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), holes: Vec::new() }
    }

    /// A value as JSON. Values that cannot be JSON give an empty frame; dialects' own types all can.
    pub fn json(value: &impl Serialize) -> Self {
        Self::new().push_json(value)
    }

    /// Appends text that is already JSON.
    #[must_use]
    pub fn push(mut self, json: &str) -> Self {
        self.text.push_str(json);
        self
    }

    /// Appends a value as JSON.
    #[must_use]
    pub fn push_json(mut self, value: &impl Serialize) -> Self {
        let mut bytes = std::mem::take(&mut self.text).into_bytes();
        let kept = bytes.len();
        if serde_json::to_writer(&mut bytes, value).is_err() {
            bytes.truncate(kept);
        }
        self.text = String::from_utf8(bytes).unwrap_or_default();
        self
    }

    /// Appends a text as a JSON string.
    #[must_use]
    pub fn push_text(mut self, text: &str) -> Self {
        json::push_text(&mut self.text, text);
        self
    }

    /// Appends a text as a JSON string, or `null`.
    #[must_use]
    pub fn push_optional_text(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.push_text(text),
            None => self.push("null"),
        }
    }

    /// Appends a number.
    #[must_use]
    pub fn push_number(mut self, number: u64) -> Self {
        json::push_number(&mut self.text, number);
        self
    }

    /// Appends a moment as milliseconds since the Unix epoch.
    #[must_use]
    pub fn push_millis(mut self, moment: Timestamp) -> Self {
        json::push_signed(&mut self.text, moment.as_millis());
        self
    }

    /// Appends a moment as a JSON string, `YYYY-MM-DD HH:MM:SS`.
    #[must_use]
    pub fn push_date(self, zone: &Zone, moment: Timestamp) -> Self {
        self.push("\"").push(zone.date(moment).as_str()).push("\"")
    }

    /// Appends a content's body: a string, or any JSON value as it is.
    #[must_use]
    pub fn push_body(self, body: &Body) -> Self {
        match body {
            Body::Text(text) => self.push_text(text),
            Body::Json(raw) => self.push(raw.get()),
        }
    }

    /// Appends what stands in this range of bytes once more; nothing if a character is cut there.
    #[must_use]
    pub fn push_again(mut self, range: Range<usize>) -> Self {
        if self.text.get(range.clone()).is_some() {
            self.text.extend_from_within(range);
        }
        self
    }

    /// Leaves a place open.
    #[must_use]
    pub fn push_hole(mut self, hole: Hole) -> Self {
        self.holes.push((self.text.len(), hole));
        self
    }

    /// The text if nothing in it differs by receiver, else the frame back.
    pub fn into_shared(self) -> Result<String, Self> {
        if self.holes.is_empty() { Ok(self.text) } else { Err(self) }
    }

    /// Its size without what the holes will hold, in bytes.
    pub const fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether something differs by receiver.
    pub const fn has_holes(&self) -> bool {
        !self.holes.is_empty()
    }

    /// The text for one receiver.
    pub fn fill(&self, receiver: &Handle, unread: u64) -> String {
        let length = |hole: &Hole| match hole {
            Hole::Receiver => json::text_len(receiver.as_str()),
            Hole::Unread => json::number_len(unread),
        };
        let more: usize = self.holes.iter().map(|(_, hole)| length(hole)).sum();
        let mut filled = String::with_capacity(self.text.len() + more);
        let mut rest = self.text.as_str();
        let mut at = 0;
        for (place, hole) in &self.holes {
            let (before, after) = rest.split_at_checked(place - at).unwrap_or((rest, ""));
            filled.push_str(before);
            match hole {
                Hole::Receiver => json::push_text(&mut filled, receiver.as_str()),
                Hole::Unread => json::push_number(&mut filled, unread),
            }
            rest = after;
            at = *place;
        }
        filled.push_str(rest);
        filled
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_in_their_places() {
        let frame =
            Frame::new().push("{\"to\":").push_hole(Hole::Receiver).push(",\"n\":").push_hole(Hole::Unread).push("}");
        let jack = Handle::new("ja\"ck").expect("a handle");
        let filled = frame.fill(&jack, 3);
        assert_eq!(filled, r#"{"to":"ja\"ck","n":3}"#);
        assert_eq!(filled.len(), filled.capacity());
        assert!(frame.into_shared().is_err());
        assert_eq!(Frame::json(&42).into_shared().as_deref(), Ok("42"));
    }

    #[test]
    fn what_stands_there_can_be_said_again() {
        let frame = Frame::new().push("{\"a\":").push_text("é");
        let frame = frame.push_again(5..9).push_again(6..7).push_again(0..99);
        assert_eq!(frame.into_shared().as_deref(), Ok("{\"a\":\"é\"\"é\""));
    }
}
