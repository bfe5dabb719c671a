//! From the parameters of a send to the command (发送消息, 发送群组消息).

use koine_core::{Content, Error, ErrorKind, Handle, IdempotencyKey, SendMessage, Target, Token, UserKey, json};

use crate::UniqueNo;
use crate::wire::{Param, Params};

/// Which of the two sends it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Addressee {
    /// 发送消息.
    User,
    /// 发送群组消息.
    Group,
}

impl Addressee {
    /// What a send that was accepted is answered: the bytes that [`Answer::accepted`](crate::wire::Answer::accepted)
    /// is written as.
    pub(crate) fn accepted(self, unique_no: &str) -> String {
        let start = match self {
            Self::User => r#"{"code":200,"msg":"发送消息成功","obj":{"uniqueNo":"#,
            Self::Group => r#"{"code":200,"msg":"发送群组消息成功","obj":{"uniqueNo":"#,
        };
        let mut answer = String::with_capacity(start.len() + unique_no.len() + 4);
        answer.push_str(start);
        json::push_text(&mut answer, unique_no);
        answer.push_str("}}");
        answer
    }

    /// What a send that was not accepted is answered.
    pub(crate) const fn refused(self) -> &'static str {
        match self {
            Self::User => "发送消息失败",
            Self::Group => "发送群组消息失败",
        }
    }
}

/// The message that a request wants sent, and the token it wants it with.
pub(crate) fn message(
    to: Addressee,
    params: &Params<'_>,
    scope: UniqueNo,
    entropy: [u8; 16],
) -> Result<(Token, SendMessage), Error> {
    let token = token(params)?;
    let key = key(params, scope, entropy)?;
    let target = target(to, params)?;
    let content = match &params.message_content {
        Param::Text(text) => Content::text(text),
        missing => Content::text(missing.required("messageContent")?),
    };
    Ok((token, SendMessage { target, content, client_id: None, key, reads: true }))
}

/// A request's token; one that is missing is as bad as a wrong one.
pub(crate) fn token(params: &Params<'_>) -> Result<Token, Error> {
    params.token.text().map(Token::new).ok_or_else(|| ErrorKind::Unauthenticated.into())
}

/// The idempotency key that a `uniqueNo` is, if it is one.
fn key(params: &Params<'_>, scope: UniqueNo, entropy: [u8; 16]) -> Result<Option<IdempotencyKey>, Error> {
    if params.unique_no == Param::Wrong {
        return Err(Error::bad_request("uniqueNo is not a string"));
    }
    let Some(unique_no) = params.unique_no.text() else { return Ok(None) };
    let key = || {
        let too_long = || Error::bad_request(format!("uniqueNo is longer than {} bytes", IdempotencyKey::MAX_BYTES));
        IdempotencyKey::new(unique_no).ok_or_else(too_long)
    };
    Ok(match scope {
        UniqueNo::User => Some(key()?),
        UniqueNo::Connection => Some(key()?.within(&format!("{:032x}", u128::from_be_bytes(entropy)))),
        UniqueNo::Ignore => None,
    })
}

/// Whom a send is for. An id that cannot be anybody's is an unknown one.
fn target(to: Addressee, params: &Params<'_>) -> Result<Target, Error> {
    Ok(match to {
        Addressee::User => {
            let handle = Handle::new(params.receive_user_id.required("receiveUserId")?);
            Target::User(UserKey::Handle(handle.map_err(|_| ErrorKind::UserNotFound)?))
        }
        Addressee::Group => {
            let group = params.group_id.required("groupId")?.parse();
            Target::Group(group.map_err(|_| ErrorKind::GroupNotFound)?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Answer;

    #[test]
    fn an_acceptance_is_written_as_its_type() {
        for unique_no in ["", "1000000000000002", "\"é\n"] {
            for (to, msg) in [(Addressee::User, "发送消息成功"), (Addressee::Group, "发送群组消息成功")] {
                let answer = Answer::accepted(msg, unique_no);
                assert_eq!(to.accepted(unique_no), serde_json::to_string(&answer).expect("JSON"));
            }
        }
    }
}
