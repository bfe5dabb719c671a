//! Telling connections what happened.

use anyhow::{Context as _, Result};
use koine_core::{
    Attach, ConfirmBy, EndReason, Event, Input, MessageEvent, Place, Receipt, Scope, UserId, UserKey, View,
};

use super::connection::Connection;
use super::model::Publication;
use super::runner::Runner;

impl Runner {
    /// Subscribes a connection: its peer's presence, what is pending, then live events.
    pub(super) fn attached(&mut self, at: usize, attach: Attach) -> Result<()> {
        let user = self.live(at)?.user.context("an attached connection has a user")?;
        let catch_up = attach.catch_up;
        self.connections.get_mut(at).context("a connection")?.1.attached = Some(attach);
        self.presence_of_peer(at)?;
        if catch_up {
            for event in self.model.pending_events(user)? {
                self.tell_one(at, &Event::Message(event), View::Other)?;
            }
            let requests: Vec<_> = self.model.pending_requests(user).cloned().collect();
            for request in requests {
                self.tell_one(at, &Event::Requested(request), View::Other)?;
            }
        }
        Ok(())
    }

    /// Tells everybody what has happened since the last call, and who came or went.
    pub(super) fn tell(&mut self) -> Result<()> {
        for publication in self.model.take_publications() {
            self.spread(&publication)?;
        }
        for at in 0..self.connections.len() {
            self.presence_of_peer(at)?;
        }
        Ok(())
    }

    /// The server ends every connection of a user (of everybody: `None`).
    pub(super) fn end_connections(&mut self, user: Option<UserId>, reason: EndReason) {
        let now = self.model.now;
        for (_, connection) in &mut self.connections {
            if user.is_none() || connection.user == user {
                connection.feed(now, Input::Ended(reason));
            }
        }
    }

    fn spread(&mut self, publication: &Publication) -> Result<()> {
        for at in 0..self.connections.len() {
            let Some(user) = self.live(at)?.user else { continue };
            if publication.to.contains(&user) {
                let view = if publication.by == Some(user) { View::Own } else { View::Other };
                self.tell_one(at, &publication.event, view)?;
            }
        }
        Ok(())
    }

    fn tell_one(&mut self, at: usize, event: &Event, view: View) -> Result<()> {
        let connection = self.live(at)?;
        let (Some(user), Some(attach)) = (connection.user, connection.attached.clone()) else { return Ok(()) };
        if !connection.is_live() || !self.is_in_scope(user, &attach.scope, event) {
            return Ok(());
        }
        let Some(frame) = connection.dialect.encode(event, view) else { return Ok(()) };
        let receiver = self.model.find(&UserKey::Id(user)).map_err(|error| anyhow::anyhow!("{error}"))?;
        let conversation = match event {
            Event::Message(MessageEvent { conversation, .. }) | Event::Opened { conversation, .. } => {
                Some(conversation.id)
            }
            _ => None,
        };
        let unread = conversation.map_or(0, |conversation| self.model.unread(user, conversation));
        let connection = &mut self.connections.get_mut(at).context("a connection")?.1;
        connection.inbox.push_back(frame.fill(&receiver.handle, unread));
        if let Event::Message(MessageEvent { message, .. }) = event
            && attach.confirm == ConfirmBy::Pong
            && !connection.mute
        {
            let receipt = Receipt { ranges: vec![(message.conversation, message.seq, message.seq)] };
            self.model.confirm(user, &receipt, attach.confirmed_is_read);
        }
        Ok(())
    }

    fn is_in_scope(&self, user: UserId, scope: &Scope, event: &Event) -> bool {
        let Scope::Peer(peer) = scope else { return true };
        let Ok(peer) = self.model.find(peer) else { return false };
        match event {
            Event::Message(MessageEvent { message, .. }) => match &message.place {
                Place::Direct { receiver } => {
                    let (from, to) = (message.sender.id, receiver.id);
                    (from, to) == (user, peer.id) || (from, to) == (peer.id, user)
                }
                Place::Group(_) => false,
            },
            Event::Presence { user, .. } => user.id == peer.id,
            _ => false,
        }
    }

    /// Tells a connection of one chat when its peer has come within reach or out of it.
    fn presence_of_peer(&mut self, at: usize) -> Result<()> {
        let connection = self.live(at)?;
        let (Some(user), Some(peer)) = (connection.user, connection.peer()) else { return Ok(()) };
        let Ok(peer) = self.model.find(peer) else { return Ok(()) };
        let reachable = self.connections.iter().any(|(_, other)| self.reaches(other, peer.id, user));
        let connection = &mut self.connections.get_mut(at).context("a connection")?.1;
        if connection.peer_reachable == reachable || !connection.is_live() {
            return Ok(());
        }
        connection.peer_reachable = reachable;
        let event = Event::Presence { user: peer.to_ref(), reachable };
        self.tell_one(at, &event, View::Other)
    }

    /// Whether a connection of `user` would carry a direct message from `from`, or did within the grace.
    fn reaches(&self, connection: &Connection, user: UserId, from: UserId) -> bool {
        let counts = connection.ended.is_none_or(|ended| ended.plus(self.config.presence.grace) > self.model.now);
        connection.user == Some(user)
            && counts
            && connection.attached.as_ref().is_some_and(|attach| match &attach.scope {
                Scope::All => true,
                Scope::Peer(peer) => self.model.find(peer).is_ok_and(|peer| peer.id == from),
            })
    }

    fn live(&self, at: usize) -> Result<&Connection> {
        Ok(&self.connections.get(at).context("a connection")?.1)
    }
}
