//! Connections whose other side is gone without a word.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::catch_up;
use crate::dialect::{Dialect, Mark, Person};
use crate::fleet::{acquaint, register};
use crate::http;
use crate::line::{Line, Width, user_sig};
use crate::process::{Place, Site};
use crate::tools;

/// What was pushed to a client that reads nothing and answers no Ping comes to its next connection.
pub(crate) async fn stays_pending() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let site = Site::new(folder.path(), "fjall");
    let server = site.start().await?;
    let place = server.place();
    let peer = register(place, Dialect::Envelope, "peer").await?;
    let mut talking = Line::open(place, &peer, None).await?;
    for (stream, dialect) in (0..).zip(Dialect::ALL) {
        let me = register(place, dialect, &format!("{}-me", dialect.name())).await?;
        let (_, to_me) = acquaint(place, &me, &peer).await?;
        if matches!(dialect, Dialect::AccessToken | Dialect::AuthAck) {
            // The greeting.
            catch_up::ask(place, &me, &[]).await?;
        }
        let frozen = Line::open_wide(place, &me, Some(&peer.handle), Width::Narrow).await?;
        let marks = [1, 2, 3].map(|number| Mark { stream, number });
        for mark in marks {
            talking.say_durably(&to_me, mark, 0).await?;
        }
        tools::until("everything is pushed", || async {
            let stats = place.manage("GET", "/v1/stats", None).await?;
            Ok((stats.pointer("/outbound_bytes") == Some(&Value::from(0))).then_some(()))
        })
        .await?;
        // Kept open for two, broken off without a FIN for the others.
        let kept = if stream % 2 == 0 { Some(frozen) } else { frozen.reset().map(|()| None)? };
        let came = next_connection(place, &me, &peer, to_me.conversation).await?;
        ensure!(came == marks, "{}: {came:?} came on the next connection", me.handle);
        drop(kept);
    }
    server.stop().await
}

/// What comes to somebody's next connection.
async fn next_connection(place: &Place, me: &Person, peer: &Person, conversation: u64) -> Result<Vec<Mark>> {
    let mut line = Line::open(place, me, Some(&peer.handle)).await?;
    match me.dialect {
        Dialect::StatusCode | Dialect::Envelope => {
            Ok(vec![line.message().await?, line.message().await?, line.message().await?])
        }
        Dialect::AccessToken | Dialect::AuthAck => catch_up::ask(place, me, &[conversation]).await,
        Dialect::UserSig => {
            let sig = user_sig(place, me).await?;
            let path = "/chat/session-info/?total=1";
            let sessions = http::call(place.clients, "GET", path, &[("authorization", &sig)], None).await?;
            let unread = sessions.body.pointer("/data/session_info_list/0/unread_count").and_then(Value::as_u64);
            // The greeting was from this side.
            ensure!(unread.context("no unread count")? == 3, "{unread:?} unread: {}", sessions.body);
            catch_up::ask(place, me, &[conversation]).await
        }
    }
}
