//! The configuration file: TOML, a section for each group of settings. It is read strictly: what
//! is no setting is an error.

use std::{collections::BTreeMap, ops::Range, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    settings::{SETTINGS, Setting},
    values::{Source, Value, unknown},
};
use crate::failure::{Exit, Failure};

/// The values in the text of a file.
pub(super) fn parse(path: &Path, text: &str) -> Result<BTreeMap<&'static str, Value>, Failure> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line(text, span));
        let message = format!("`{}` is no TOML, line {line}", path.display());
        let error = anyhow::anyhow!("{}", error.message()).context(message);
        Failure::new(Exit::Usage, error)
            .next("`fusee node config init` writes a file to begin with")
    })?;
    let mut values = BTreeMap::new();
    for (section, content) in table.get_ref() {
        let at = |span: Range<usize>| format!("`{}`, line {}", path.display(), line(text, span));
        let name = section.get_ref();
        let mut known = SETTINGS.iter().map(|setting| setting.section_and_key().0);
        if !known.clone().any(|known| known == name) {
            let message = format!("{}: there is no section `{name}`", at(section.span()));
            // A setting without its section, or a section that is misspelled.
            let keys = SETTINGS.iter().map(|setting| setting.section_and_key().1);
            let near = SETTINGS.iter().find(|it| it.section_and_key().1 == name);
            return Err(match near {
                Some(setting) => Failure::usage(message).next(format!(
                    "`{name}` belongs into the section `[{}]`",
                    setting.section_and_key().0
                )),
                None => unknown(message, name, known.by_ref().chain(keys)),
            });
        }
        let DeValue::Table(content) = content.get_ref() else {
            let message = format!("{}: `{name}` is a section", at(section.span()));
            return Err(Failure::usage(message).next(format!("write `[{name}]`, then its keys")));
        };
        for (key, value) in content {
            let full = format!("{name}.{}", key.get_ref());
            let Some(setting) = Setting::named(&full) else {
                let message = format!("{}: there is no setting `{full}`", at(key.span()));
                return Err(unknown(message, &full, SETTINGS.iter().map(|it| it.name)));
            };
            let text_of_value = plain(setting, value).ok_or_else(|| {
                let kind = value.get_ref().type_str();
                let message = format!("{}: `{full}` has a value of type {kind}", at(value.span()));
                Failure::usage(message).next(format!("it is: {}", setting.about))
            })?;
            let source = Source::File {
                path: path.to_path_buf(),
                line: line(text, key.span()),
            };
            let text = text_of_value;
            values.insert(setting.name, Value { text, source });
        }
    }
    Ok(values)
}

/// A value as text: a string, a number, `on` or `off`, or a list of strings.
fn plain(setting: &Setting, value: &Spanned<DeValue<'_>>) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str().to_owned()),
        DeValue::Boolean(true) => Some("on".to_owned()),
        DeValue::Boolean(false) => Some("off".to_owned()),
        DeValue::Array(values) if setting.is_list => {
            let values = values.iter().map(|value| value.get_ref().as_str());
            Some(values.collect::<Option<Vec<_>>>()?.join(","))
        }
        _ => None,
    }
}

/// The number of a line.
fn line(text: &str, span: Range<usize>) -> usize {
    let before = text.get(..span.start).unwrap_or(text);
    before.matches('\n').count().saturating_add(1)
}

/// A file with all settings and their defaults, commented out but for those that are set.
pub(crate) fn written(set: &[(&str, String)]) -> String {
    let mut text = String::from(
        "# Configuration of a Fusee node. What is commented out has its default.\n\
         # Flags and environment variables come before this file: see `fusee node config show`.\n",
    );
    let mut last = "";
    for setting in SETTINGS {
        let (section, key) = setting.section_and_key();
        if section != last {
            text.push_str(&format!("\n[{section}]\n"));
            last = section;
        }
        for line in wrap(setting.about) {
            text.push_str(&format!("# {line}\n"));
        }
        let value = set.iter().find(|(name, _)| *name == setting.name);
        let (comment, value) = match value {
            Some((_, value)) => ("", value.as_str()),
            None => ("# ", setting.default.unwrap_or(setting.value)),
        };
        let is_number = value.parse::<u64>().is_ok();
        let value = match (setting.is_list, is_number) {
            (true, _) => "[]".to_owned(),
            (false, true) => value.to_owned(),
            (false, false) => format!("\"{value}\""),
        };
        text.push_str(&format!("{comment}{key} = {value}\n"));
    }
    text
}

/// The lines of a text, of up to 98 characters.
fn wrap(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let room = 98_usize.saturating_sub(word.len());
        match lines.last_mut() {
            Some(last) if last.is_empty() => last.push_str(word),
            Some(last) if last.len() < room => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
