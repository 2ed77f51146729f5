//! A numbered list, and one entry selected from it: by GUID, exact name or number. At a terminal, part
//! of a name narrows the list.

use crate::error::Error;
use crate::machine::console::Console;
use crate::text;

/// In columns. A longer name shifts only its own GUID out of line.
const NAME_COLUMN: usize = 40;
/// How many entries an error lists.
///
/// The error and all of them fit 24 lines.
const MOST_LISTED: usize = 15;

pub trait Entry {
    /// "organization" or "project", for messages.
    const KIND: &str;
    fn guid(&self) -> &str;
    fn name(&self) -> &str;
}

/// Entries sorted by name, and numbered from 1.
pub struct List<T> {
    entries: Vec<T>,
}

type Numbered<'a, T> = (usize, &'a T);

impl<T: Entry> List<T> {
    pub fn new(mut entries: Vec<T>) -> Self {
        entries.sort_by_key(|entry| entry.name().to_lowercase());
        List { entries }
    }

    pub fn entries(&self) -> &[T] {
        &self.entries
    }

    /// The entry with this GUID or exact name. The error lists the entries that exist.
    pub fn find(&self, wanted: &str) -> Result<&T, Error> {
        match self.exact(wanted).as_slice() {
            [(_, entry)] => Ok(entry),
            found => Err(self.not_found_error(&format!("'{}'", text::name(wanted)), found)),
        }
    }

    /// Asks until an answer matches one entry; Enter selects the current one, if there is one. `None` if
    /// the input ends. A piped answer that does not match one entry is an error that lists them.
    pub fn prompt(
        &self,
        console: &mut Console,
        current: Option<&str>,
    ) -> Result<Option<&T>, Error> {
        let is_current = |(_, entry): &&Numbered<T>| Some(entry.guid()) == current;
        let mut listed = self.filter(|_, _| true);
        self.show(console, &listed, current);
        loop {
            let default = listed.iter().find(is_current).map(|(number, _)| *number);
            let hint = default.map(|number| format!(" [{number}]")).unwrap_or_default();
            let question = format!("Which {}?{hint} ", T::KIND);
            let Some(answer) = console.ask(&question)? else { return Ok(None) };
            let found = self.answered(answer.trim(), default, console.is_interactive());
            match found.as_slice() {
                [(_, entry)] => return Ok(Some(entry)),
                // The answer is not shown: a script may have sent its password on the wrong line.
                _ if !console.is_interactive() => {
                    return Err(self.not_found_error("the answer", &found));
                }
                [] => {
                    let no_match = if answer.trim().is_empty() { "" } else { "No match. " };
                    let last = self.entries.len();
                    console.say_to_user(&format!(
                        "{no_match}Enter a number from 1 to {last}, part of a name, or a GUID."
                    ));
                }
                _ => {
                    console.say_to_user(&format!("{} matches:", found.len()));
                    self.show(console, &found, current);
                    listed = found;
                }
            }
        }
    }

    fn answered(
        &self,
        answer: &str,
        default: Option<usize>,
        partial: bool,
    ) -> Vec<Numbered<'_, T>> {
        if answer.is_empty() {
            return self.filter(|number, _| Some(number) == default);
        }
        let mut found = self.exact(answer);
        if found.is_empty() {
            found = self.filter(|number, _| Ok(number) == answer.parse());
        }
        if found.is_empty() && partial {
            let part = answer.to_lowercase();
            found = self.filter(|_, entry| entry.name().to_lowercase().contains(&part));
        }
        found
    }

    /// The GUID comes first, because a name may look like the GUID of another entry. The name may be as it is
    /// shown: without invisible characters and spaces at its ends, and cut.
    fn exact(&self, wanted: &str) -> Vec<Numbered<'_, T>> {
        let shown = |text: &str| text::printable(text).trim().to_owned();
        let matches: [&dyn Fn(&T) -> bool; 4] = [
            &|entry| entry.guid() == wanted,
            &|entry| entry.name() == wanted,
            &|entry| shown(entry.name()) == shown(wanted),
            &|entry| text::name(entry.name()) == shown(wanted),
        ];
        let found = matches.iter().map(|matches| self.filter(|_, entry| matches(entry)));
        found.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
    }

    fn filter(&self, matches: impl Fn(usize, &T) -> bool) -> Vec<Numbered<'_, T>> {
        (1..).zip(&self.entries).filter(|(number, entry)| matches(*number, entry)).collect()
    }

    /// Shows as many entries as fit the screen.
    fn show(&self, console: &mut Console, entries: &[Numbered<T>], current: Option<&str>) {
        let number_width = self.entries.len().to_string().len();
        let names: Vec<_> = entries.iter().map(|(_, entry)| text::name(entry.name())).collect();
        let name_width = names.iter().map(|name| text::columns(name)).max().unwrap_or_default();
        let rows = entries.iter().zip(&names).map(|((number, entry), name)| {
            let mark = if Some(entry.guid()) == current { '*' } else { ' ' };
            let name = text::padded(name, name_width.min(NAME_COLUMN));
            format!("{mark} {number:>number_width$}  {name}  {}", text::name(entry.guid()))
        });
        let rows: Vec<_> = rows.collect();
        let shown = rows_that_fit(console, &rows);
        rows.iter().take(shown).for_each(|row| console.say_to_user(row));
        if shown < rows.len() {
            console.say_to_user(&rest(rows.len().saturating_sub(shown)));
        }
    }

    fn not_found_error(&self, wanted: &str, found: &[Numbered<T>]) -> Error {
        let kind = T::KIND;
        match found {
            [] if self.entries.is_empty() => no_entries_error::<T>(),
            [] => Error::failure(
                format!("no {kind} matches {wanted}"),
                listed(
                    &format!("Use the exact name or the GUID of one of these {kind}s:"),
                    self.entries.iter(),
                ),
            ),
            several => Error::failure(
                format!("several {kind}s match {wanted}"),
                listed("Use the GUID of one of these:", several.iter().map(|(_, entry)| *entry)),
            ),
        }
    }
}

/// How many rows fit above the question: all, or as many as leave room for a line about the rest.
fn rows_that_fit(console: &Console, rows: &[String]) -> usize {
    let room = console.lines_for_list();
    let ends = rows.iter().scan(0_usize, |end, row| {
        *end = end.saturating_add(console.lines_of(row));
        Some(*end)
    });
    let ends: Vec<_> = ends.collect();
    if ends.last().is_none_or(|end| *end <= room) {
        return rows.len();
    }
    let room = room.saturating_sub(console.lines_of(&rest(rows.len())));
    ends.iter().take_while(|end| **end <= room).count().max(1)
}

fn rest(count: usize) -> String {
    format!("  and {count} more. Enter part of a name to narrow the list.")
}

pub fn no_entries_error<T: Entry>() -> Error {
    Error::failure(
        match T::KIND {
            "organization" => "your account has no organizations",
            _ => "the organization has no projects",
        },
        "Ask the administrator of your account for access to one.",
    )
}

fn listed<'a, T: Entry + 'a>(advice: &str, entries: impl Iterator<Item = &'a T>) -> String {
    let line =
        |entry: &T| format!("\n- {} ({})", text::name(entry.name()), text::name(entry.guid()));
    let mut lines = entries.map(line);
    let shown: String = lines.by_ref().take(MOST_LISTED).collect();
    match lines.count() {
        0 => format!("{advice}{shown}"),
        more => format!("{advice}{shown}\n- and {more} more"),
    }
}
