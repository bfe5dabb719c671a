//! A frame as it leaves for clients, with places for what differs by receiver.

use serde::Serialize;

use crate::Handle;

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
        let mut filled = String::with_capacity(self.text.len() + 24 * self.holes.len());
        let mut rest = self.text.as_str();
        let mut at = 0;
        for (place, hole) in &self.holes {
            let (before, after) = rest.split_at_checked(place - at).unwrap_or((rest, ""));
            filled.push_str(before);
            match hole {
                Hole::Receiver => filled.push_str(&serde_json::to_string(receiver.as_str()).unwrap_or_default()),
                Hole::Unread => filled.push_str(&unread.to_string()),
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
        assert_eq!(frame.fill(&jack, 3), r#"{"to":"ja\"ck","n":3}"#);
        assert!(frame.into_shared().is_err());
        assert_eq!(Frame::json(&42).into_shared().as_deref(), Ok("42"));
    }
}
