//! The frames of the dialect, for whoever speaks it from either side.

mod answer;
mod param;
mod push;
mod request;

pub use answer::{Answer, AnswerObject};
pub use param::Param;
pub use push::{
    Date, DirectMessage, FriendDecision, FriendRemoved, FriendRequest, GroupDecision, GroupMessage, GroupRemoved,
    GroupRequest, LoginResult, Push, apply_state, msg_type,
};
pub use request::{ClientFrame, Params, is_request, url};
