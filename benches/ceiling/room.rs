//! Who is connected.

use dashmap::DashMap;
use tokio::sync::mpsc::UnboundedSender;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The ways to all who are connected.
#[derive(Default)]
pub(crate) struct Room {
    members: DashMap<u64, UnboundedSender<Utf8Bytes>>,
}

impl Room {
    /// Notes a member.
    pub(crate) fn join(&self, user: u64, way: UnboundedSender<Utf8Bytes>) {
        self.members.insert(user, way);
    }

    /// Forgets a member.
    pub(crate) fn leave(&self, user: u64) {
        self.members.remove(&user);
    }

    /// Sends a frame to a member, or to all but its sender.
    pub(crate) fn send(&self, from: u64, to: u64, frame: &Utf8Bytes) {
        if to == 0 {
            for member in self.members.iter().filter(|member| *member.key() != from) {
                let _ = member.send(frame.clone());
            }
        } else if let Some(member) = self.members.get(&to) {
            // A member that is leaving gets nothing more.
            let _ = member.send(frame.clone());
        }
    }
}
