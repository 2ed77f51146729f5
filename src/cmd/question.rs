//! Putting a choice to a person: a numbered list, and answers by number, name or GUID. Where the list is
//! longer than the screen, part of a name narrows it.

use super::selection::{Named, listed, matching};
use crate::error::Error;
use crate::host::console::Console;
use crate::text;

/// A longer name pushes its own GUID out of line, and no other's.
const WIDEST_NAME: usize = 40;
/// A name that goes on is not read to its end.
const LONGEST_NAME: usize = 100;

/// What there is to choose from, and which of it is chosen already.
pub struct Question<'a, T> {
    /// In the order in which it is shown.
    pub all: &'a [T],
    /// Where in `all` the current one is: an empty answer takes it.
    pub current: Option<usize>,
}

/// What an answer means.
enum Meaning {
    Chosen(usize),
    /// Part of these names.
    Part(Vec<usize>),
    Nothing(&'static str),
}

impl<T: Named> Question<'_, T> {
    /// Asks until the answer is one of them, and tells which; `None` if the input ends before.
    pub fn ask(&self, console: &mut Console) -> Result<Option<usize>, Error> {
        let mut default = self.current;
        self.show(console, &(0..self.all.len()).collect::<Vec<_>>());
        loop {
            let hint = default.map(|index| format!(" [{}]", number(index))).unwrap_or_default();
            let question = format!("Which {}?{hint} ", T::KIND);
            let Some(answer) = console.ask(&question)? else { return Ok(None) };
            match self.meaning(answer.trim(), default, console.is_interactive()) {
                Meaning::Chosen(index) => return Ok(Some(index)),
                Meaning::Part(indices) => {
                    self.show(console, &indices);
                    let only = indices.first().filter(|_| indices.len() == 1);
                    // What Enter takes must be on the screen.
                    let current = self.current.filter(|current| indices.contains(current));
                    default = only.copied().or(current);
                }
                Meaning::Nothing(_) if !console.is_interactive() => {
                    return Err(self.wrong_answer(answer.trim()));
                }
                Meaning::Nothing(advice) => console.say(advice),
            }
        }
    }

    /// Only at a terminal may part of a name be what was meant: a script is to be taken at its word.
    fn meaning(&self, answer: &str, default: Option<usize>, interactive: bool) -> Meaning {
        let by_number = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let index = if answer.is_empty() { default } else { by_number };
        if let Some(index) = index.filter(|index| *index < self.all.len()) {
            return Meaning::Chosen(index);
        }
        match matching(self.all, answer).as_slice() {
            [only] => match self.all.iter().position(|one| one.guid() == only.guid()) {
                Some(index) => Meaning::Chosen(index),
                None => Meaning::Nothing("Enter a number of the list."),
            },
            [] if interactive && !answer.is_empty() => match self.with_part(answer) {
                part if part.is_empty() && by_number.is_some() => {
                    Meaning::Nothing("The list has no such number.")
                }
                part if part.is_empty() => Meaning::Nothing("Nothing in the list is called so."),
                part => Meaning::Part(part),
            },
            [] => Meaning::Nothing("Enter a number, a name or a GUID of the list."),
            _ => Meaning::Nothing("Several have that name. Enter the number or the GUID."),
        }
    }

    /// Those whose names have the text in them, whatever its case.
    fn with_part(&self, text: &str) -> Vec<usize> {
        let text = text.to_lowercase();
        let names = self.all.iter().enumerate();
        names
            .filter(|(_, one)| one.name().to_lowercase().contains(&text))
            .map(|(index, _)| index)
            .collect()
    }

    /// Shows these, or as many of them as fit the screen, under the numbers that they have in the whole.
    fn show(&self, console: &mut Console, indices: &[usize]) {
        let room = console.lines_for_list();
        let fitting = if indices.len() > room { room.saturating_sub(1) } else { room };
        let shown: Vec<(usize, &T)> = indices
            .iter()
            .take(fitting)
            .filter_map(|index| Some((*index, self.all.get(*index)?)))
            .collect();
        let number_width = self.all.len().to_string().len();
        let name_width = shown.iter().map(|(_, one)| one.name().chars().count()).max();
        let name_width = name_width.unwrap_or_default().min(WIDEST_NAME);
        for (index, one) in &shown {
            let mark = if Some(*index) == self.current { "  (current)" } else { "" };
            console.say(&format!(
                "  {:>number_width$}  {:<name_width$}  {}{mark}",
                number(*index),
                text::excerpt(one.name(), LONGEST_NAME),
                one.guid()
            ));
        }
        let more = indices.len().saturating_sub(shown.len());
        if more > 0 {
            console.say(&format!(
                "  and {more} more: enter part of a name to see those that have it."
            ));
        }
    }

    /// The answer is not shown: a script may have sent its password on the wrong line.
    fn wrong_answer(&self, answer: &str) -> Error {
        let (fact, entries) = match matching(self.all, answer) {
            none if none.is_empty() => ("no answer matches one", self.all.iter().collect()),
            several => ("several match the answer; no one", several),
        };
        Error::failure(
            format!("you are logged in, but {fact} {} of the list", T::KIND),
            listed("Answer with a number, or with one of these:", entries.into_iter()),
        )
    }
}

/// People count from one.
fn number(index: usize) -> usize {
    index.saturating_add(1)
}
