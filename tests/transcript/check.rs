//! What can be seen to be wrong before a transcript is acted out.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};

use super::{Action, Answer, AnswerBody, Fact, Json, Part, Request, RequestBody, Transcript, Word, matching, values};

/// Refuses names that nothing has given meaning to, kinds that do not exist, steps of connections
/// that were never opened, and silence that nothing proves.
pub(crate) fn check(transcript: &Transcript) -> Result<()> {
    let mut names = Names::default();
    for (line, fact) in &transcript.given {
        names.fact(fact).with_context(|| transcript.place(*line))?;
    }
    for (index, step) in transcript.steps.iter().enumerate() {
        let later = transcript.steps.get(index + 1..).unwrap_or_default();
        names
            .step(&step.action)
            .and_then(|()| proven(&step.action, later.iter().map(|step| &step.action)))
            .with_context(|| transcript.place(step.line))?;
    }
    Ok(())
}

fn proven<'a>(action: &Action, mut later: impl Iterator<Item = &'a Action>) -> Result<()> {
    let Action::Nothing { name: silent } = action else { return Ok(()) };
    let proof = later.any(|action| match action {
        Action::Expect { name, .. } | Action::Closed { name, .. } => name == silent,
        _ => false,
    });
    ensure!(proof, "`{silent} -` is proven by nothing: a later `{silent} <` or `{silent} x` is needed");
    Ok(())
}

#[derive(Default)]
struct Names {
    known: BTreeSet<String>,
    open: BTreeSet<String>,
    requested: BTreeSet<String>,
}

impl Names {
    fn fact(&mut self, fact: &Fact) -> Result<()> {
        for name in fact.mentions() {
            ensure!(self.known.contains(name), "nothing has given `{name}` meaning");
        }
        if let Fact::Message { content, .. } | Fact::Notify { content, .. } = fact {
            self.pattern(content)?;
        }
        match fact.defines() {
            Some(name) => self.define(name),
            None => Ok(()),
        }
    }

    fn define(&mut self, name: &str) -> Result<()> {
        let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        ensure!(is_word, "`{name}` cannot be a name: letters, digits and _ only");
        ensure!(self.known.insert(name.to_owned()), "`{name}` has a meaning already");
        Ok(())
    }

    fn step(&mut self, action: &Action) -> Result<()> {
        match action {
            Action::Open { name, path, .. } => {
                ensure!(self.open.insert(name.clone()), "`{name}` is open already; another is `{name}/2`");
                self.text(path)
            }
            Action::Send { name, text } => self.opened(name).and_then(|()| self.text(text)),
            Action::Nothing { name } | Action::Act { name, .. } | Action::Closed { name, .. } => self.opened(name),
            Action::Expect { name, frame } => {
                self.opened(name)?;
                self.expected(frame)
            }
            Action::Refused { name, answer } => self.opened(name).and_then(|()| self.answer(answer)),
            Action::Request { name, request } => {
                self.requested.insert(name.clone());
                self.request(request)
            }
            Action::Answer { name, answer } => {
                ensure!(self.requested.contains(name), "`{name}` has requested nothing");
                self.answer(answer)
            }
            Action::Command { name, line } => {
                ensure!(self.open.contains(name) || self.requested.contains(name), "`{name}` has done nothing yet");
                let options = line.words.options.iter().map(|(_, word)| word);
                line.words.words.iter().chain(options).try_for_each(|word| match word {
                    Word::Bare(text) => self.text(text),
                    Word::Json(json) => self.pattern(json),
                })
            }
            Action::Happens(Fact::Config { .. }) => anyhow::bail!("a configuration can only be given"),
            Action::Happens(fact) => self.fact(fact),
            Action::Pass(_) => Ok(()),
        }
    }

    fn opened(&self, name: &str) -> Result<()> {
        ensure!(self.open.contains(name), "`{name}` was never opened");
        Ok(())
    }

    fn request(&self, request: &Request) -> Result<()> {
        self.text(&request.path)?;
        request.headers.iter().try_for_each(|(_, value)| self.text(value))?;
        match &request.body {
            RequestBody::None => Ok(()),
            RequestBody::Json(text) | RequestBody::Raw(text) => self.text(text),
            RequestBody::Form(fields) => fields.iter().try_for_each(|(_, value)| self.text(value)),
            RequestBody::Multipart(parts) => parts.iter().try_for_each(|part| match part {
                Part::Text { value, .. } => self.text(value),
                Part::File { content, .. } => self.pattern(content),
            }),
        }
    }

    fn answer(&mut self, answer: &Answer) -> Result<()> {
        answer.headers.iter().try_for_each(|(_, value)| self.text(value))?;
        match &answer.body {
            AnswerBody::Empty | AnswerBody::Any => Ok(()),
            AnswerBody::Text(json) | AnswerBody::Json(json) => self.expected(json),
        }
    }

    fn expected(&mut self, json: &Json) -> Result<()> {
        self.pattern(json)?;
        let mut captured = Vec::new();
        matching::captures(json, &mut captured)?;
        captured.iter().try_for_each(|name| self.define(name))
    }

    fn text(&self, text: &str) -> Result<()> {
        values::mentioned(text).into_iter().try_for_each(|name| self.name(name))
    }

    fn pattern(&self, json: &Json) -> Result<()> {
        match json {
            Json::Variable(name) => self.name(name),
            Json::String(text) => self.text(text),
            Json::Array { items, .. } => items.iter().try_for_each(|item| self.pattern(item)),
            Json::Object { entries, .. } => entries.iter().try_for_each(|(_, value)| self.pattern(value)),
            Json::Null | Json::Bool(_) | Json::Number(_) => Ok(()),
        }
    }

    fn name(&self, name: &str) -> Result<()> {
        let base = name.split_once('.').map_or(name, |(base, _)| base);
        let known = name.starts_with("repeat(") || ["management", "notification"].contains(&base);
        ensure!(known || self.known.contains(base), "`${name}`: nothing has given `{base}` meaning");
        Ok(())
    }
}
