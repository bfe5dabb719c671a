//! Transcripts: what `fixtures/README.md` describes, read into steps.

mod check;
mod facts;
pub(crate) mod json;
mod lines;
pub(crate) mod matching;
mod parse;
pub(crate) mod received;
pub(crate) mod values;
pub(crate) mod words;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

pub(crate) use facts::{Audience, Fact};
pub(crate) use json::Json;
pub(crate) use parse::DIALECTS;
pub(crate) use values::{Form, Values};
pub(crate) use words::{Word, Words};

/// One transcript.
#[derive(Debug, Default)]
pub(crate) struct Transcript {
    /// Where it stands.
    pub(crate) path: PathBuf,
    /// Its dialect's name, or `crossing`.
    pub(crate) dialect: String,
    /// Whether every dialect has a listener of its own.
    pub(crate) own_listeners: bool,
    /// What is said about the codec runner.
    pub(crate) codec: Outlook,
    /// What is said about the socket runner.
    pub(crate) socket: Outlook,
    /// What is so before it begins, with line numbers.
    pub(crate) given: Vec<(usize, Fact)>,
    /// The steps.
    pub(crate) steps: Vec<Step>,
    /// Whether the text mentions a `user_sig`, which costs a request to get.
    pub(crate) needs_sigs: bool,
}

/// What is to come of a transcript in a runner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// It passes.
    #[default]
    Passes,
    /// It fails, for this reason.
    KnownFailure(String),
    /// It is not for this runner, for this reason.
    Skipped(String),
}

/// One step and the line it stands on.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) action: Action,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Open { name: String, dialect: String, path: String },
    Send { name: String, text: String },
    Expect { name: String, frame: Json },
    Nothing { name: String },
    Closed { name: String, ending: Ending },
    Refused { name: String, answer: Answer },
    Act { name: String, act: Act },
    Request { name: String, request: Request },
    Answer { name: String, answer: Answer },
    Command { name: String, line: CommandLine },
    Happens(Fact),
    Pass(Duration),
}

/// How a connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With a close frame of this code, and reason.
    Close { code: u16, reason: Option<String> },
    /// Without a close frame.
    Lost,
}

/// What a client does besides sending text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    Close(u16),
    Drop,
    Binary(Vec<u8>),
    InvalidUtf8,
    Mute,
}

/// An HTTP request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) dialect: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: RequestBody,
}

/// The body of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum RequestBody {
    #[default]
    None,
    Json(String),
    Form(Vec<(String, String)>),
    Multipart(Vec<Part>),
    Raw(String),
}

/// A part of a multipart form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Text { name: String, value: String },
    File { name: String, file_name: String, media_type: String, content: Json },
}

/// What an answer must be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: AnswerBody,
    pub(crate) headers: Vec<(String, String)>,
}

/// What an answer's body must be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AnswerBody {
    Empty,
    Any,
    Text(Json),
    Json(Json),
}

/// An expected command, and the answer to it where it is not the model's own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CommandLine {
    pub(crate) words: Words,
    /// The error kind's word and detail.
    pub(crate) error: Option<(String, Option<String>)>,
}

impl Transcript {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        Self::parse(path, &text)
    }

    /// Reads a text that stands in a file. Errors say file and line.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let mut transcript = parse::transcript(path, text)?;
        path.clone_into(&mut transcript.path);
        transcript.needs_sigs = text.contains(".sig") || text.contains("user-sig");
        check::check(&transcript)?;
        Ok(transcript)
    }

    /// The file and a line of it.
    pub(crate) fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }
}

impl Outlook {
    /// The transcript's own outcome, judged by what was said about it.
    pub(crate) fn judge(&self, outcome: Result<()>) -> Result<()> {
        match (self, outcome) {
            (Self::KnownFailure(reason), Ok(())) => {
                anyhow::bail!("it passes, though it is known to fail ({reason}): take the line out")
            }
            (Self::KnownFailure(_), Err(_)) => Ok(()),
            (_, outcome) => outcome,
        }
    }
}
