//! The site's own response headers, from `_headers` in the form that Netlify and Cloudflare Pages read.
//!
//!     # a comment
//!     /models/*
//!       Cache-Control: no-cache

use anyhow::{Context, Result, ensure};

/// Headers by path.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    /// A path, or a prefix of paths when it ends with `*`.
    pattern: String,
    headers: Vec<(String, String)>,
}

impl Rules {
    /// Parses `_headers`; an error names the line.
    pub fn parse(text: &str) -> Result<Self> {
        let mut rules: Vec<Rule> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let content = line.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let place = || format!("_headers, line {}: {content}", number + 1);
            if line.starts_with(char::is_whitespace) {
                let (name, value) = content.split_once(':').with_context(place)?;
                let rule = rules.last_mut().with_context(place)?;
                rule.headers.push((name.trim().into(), value.trim().into()));
            } else {
                ensure!(content.starts_with('/'), place());
                rules.push(Rule { pattern: content.into(), headers: Vec::new() });
            }
        }
        Ok(Self(rules))
    }

    /// The headers for `path`: those of every rule that matches it, in the file's order.
    pub fn matching(&self, path: &str) -> impl Iterator<Item = (&str, &str)> {
        (self.0.iter())
            .filter(move |rule| match rule.pattern.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix),
                None => path == rule.pattern,
            })
            .flat_map(|rule| &rule.headers)
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
