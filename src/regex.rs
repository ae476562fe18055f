//! The regular expressions of the filters: the syntax of RE2, as node_exporter's options have it,
//! but for `\p{…}`, `\C` and `\Q…\E`. Whether a text matches is all that is asked.
//!
//! An expression is compiled in one pass into steps, and the steps are tried on a text as Pike's
//! machine does: at each character those that may come next, each once. So a match takes as long
//! as the text is long, whatever the expression. Characters are Unicode's, and the classes with a
//! name are ASCII's. `regex-lite` does the same and more, and is 30 kB larger on mipsel; the tests
//! compare the two.

use std::str::Chars;

/// The most steps of an expression. `(a{1000}){1000}` would have a million.
const MOST_STEPS: usize = 1 << 14;

/// The most groups within each other.
const MOST_DEPTH: u32 = 50;

/// The most that `{n}` may say.
const MOST_REPEATS: u32 = 1000;

const NOTHING_TO_REPEAT: &str = "a repetition has nothing to repeat";

type Ranges = &'static [(u8, u8)];

const DIGIT: Ranges = &[(b'0', b'9')];
const SPACE: Ranges = &[(b'\t', b'\r'), (b' ', b' ')];
const WORD: Ranges = &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')];

/// `[:name:]` within a class.
const NAMED: &[(&str, Ranges)] = &[
    ("alnum:]", &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')]),
    ("alpha:]", &[(b'A', b'Z'), (b'a', b'z')]),
    ("ascii:]", &[(0, 127)]),
    ("blank:]", &[(b'\t', b'\t'), (b' ', b' ')]),
    ("cntrl:]", &[(0, 31), (127, 127)]),
    ("digit:]", DIGIT),
    ("graph:]", &[(b'!', b'~')]),
    ("lower:]", &[(b'a', b'z')]),
    ("print:]", &[(b' ', b'~')]),
    ("punct:]", &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')]),
    ("space:]", SPACE),
    ("upper:]", &[(b'A', b'Z')]),
    ("word:]", WORD),
    ("xdigit:]", &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')]),
];

/// Letters behind a backslash that stand for one character.
const LETTERS: &[(char, char)] = &[('a', '\x07'), ('f', '\x0c'), ('n', '\n'), ('r', '\r'), ('t', '\t'), ('v', '\x0b')];

/// A step. Behind the last is the end: what gets there has matched.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A character of the ranges between two places, or none of them.
    One { from: u16, to: u16, negated: bool, fold: bool },
    /// The next step, and the one so many steps on.
    Split(i16),
    /// The one so many steps on.
    Jump(i16),
    /// The next step, at such a place only.
    At(Place),
}

/// A place between characters.
#[derive(Clone, Copy, Debug)]
enum Place {
    Start,
    End,
    LineStart,
    LineEnd,
    WordEdge,
    NoWordEdge,
}

impl Place {
    fn is_between(self, before: Option<char>, after: Option<char>) -> bool {
        let is_word =
            |letter: Option<char>| letter.is_some_and(|letter| letter == '_' || letter.is_ascii_alphanumeric());
        match self {
            Place::Start => before.is_none(),
            Place::End => after.is_none(),
            Place::LineStart => matches!(before, None | Some('\n')),
            Place::LineEnd => matches!(after, None | Some('\n')),
            Place::WordEdge => is_word(before) != is_word(after),
            Place::NoWordEdge => is_word(before) == is_word(after),
        }
    }
}

/// A compiled expression.
#[derive(Clone, Debug, Default)]
pub struct Regex {
    steps: Vec<Step>,
    ranges: Vec<(char, char)>,
}

impl Regex {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(expression: &str) -> Result<Self, &'static str> {
        let mut compiler = Compiler { rest: expression.chars(), regex: Self::default(), flags: Flags::default() };
        compiler.alternatives(0)?;
        match compiler.rest.next() {
            None => Ok(compiler.regex),
            Some(_) => Err("a group is closed that was not opened"),
        }
    }

    /// Whether some part of `text` matches.
    pub fn is_match(&self, text: &str) -> bool {
        let mut rest = text.chars();
        let mut before = None;
        let mut tried = Vec::new();
        let mut to_try = Vec::new();
        let mut next = Vec::new();
        loop {
            let after = rest.next();
            tried.clear();
            tried.resize(self.steps.len(), false);
            // A match may begin anywhere.
            to_try.push(0_usize);
            while let Some(at) = to_try.pop() {
                let (Some(step), Some(tried)) = (self.steps.get(at), tried.get_mut(at)) else { return true };
                if std::mem::replace(tried, true) {
                    continue;
                }
                let following = at.wrapping_add(1);
                match *step {
                    Step::One { from, to, negated, fold } => {
                        if after.is_some_and(|letter| self.is_one(from, to, fold, letter) != negated) {
                            next.push(following);
                        }
                    }
                    Step::Split(by) => {
                        to_try.push(following);
                        to_try.push(at.wrapping_add_signed(by.into()));
                    }
                    Step::Jump(by) => to_try.push(at.wrapping_add_signed(by.into())),
                    Step::At(place) => {
                        if place.is_between(before, after) {
                            to_try.push(following);
                        }
                    }
                }
            }
            if after.is_none() {
                return false;
            }
            before = after;
            std::mem::swap(&mut to_try, &mut next);
        }
    }

    fn is_one(&self, from: u16, to: u16, fold: bool, letter: char) -> bool {
        let ranges = self.ranges.get(from.into()..to.into()).unwrap_or_default();
        let has = |letter: char| ranges.iter().any(|(first, last)| (*first..=*last).contains(&letter));
        has(letter) || (fold && (has(letter.to_ascii_lowercase()) || has(letter.to_ascii_uppercase())))
    }
}

/// What `(?ims)` says.
#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    lines: bool,
    dot_all: bool,
}

struct Compiler<'e> {
    rest: Chars<'e>,
    regex: Regex,
    flags: Flags,
}

type Compiled = Result<(), &'static str>;

impl Compiler<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    /// Goes over `text` if it comes next.
    fn takes(&mut self, text: &str) -> bool {
        let rest = self.rest.as_str().strip_prefix(text);
        if let Some(rest) = rest {
            self.rest = rest.chars();
        }
        rest.is_some()
    }

    /// How far it is from the step at `from` to the end, which is where the next one will be.
    fn distance(&self, from: usize) -> Result<i16, &'static str> {
        let distance = self.regex.steps.len().wrapping_sub(from);
        if distance > MOST_STEPS { Err("it is too large") } else { distance.try_into().map_err(|_| "it is too large") }
    }

    /// `a|b|c`
    fn alternatives(&mut self, depth: u32) -> Compiled {
        if depth > MOST_DEPTH {
            return Err("too many groups are within each other");
        }
        let mut jumps = Vec::new();
        loop {
            let start = self.regex.steps.len();
            while self.peek().is_some_and(|letter| letter != '|' && letter != ')') {
                self.repeated(depth)?;
            }
            if !self.takes("|") {
                break;
            }
            // A choice before it, and a jump over the others behind it.
            let over = self.distance(start)?.wrapping_add(2);
            self.regex.steps.insert(start, Step::Split(over));
            jumps.push(self.regex.steps.len());
            self.regex.steps.push(Step::Jump(0));
        }
        for at in jumps {
            let over = self.distance(at)?;
            if let Some(jump) = self.regex.steps.get_mut(at) {
                *jump = Step::Jump(over);
            }
        }
        Ok(())
    }

    /// `a*`, `a+`, `a?`, `a{2,3}`, and `a`. Whether as few as may be are to be taken (`a*?`) makes
    /// no difference to whether they match.
    fn repeated(&mut self, depth: u32) -> Compiled {
        let start = self.regex.steps.len();
        self.single(depth)?;
        loop {
            let (least, most) = match self.peek() {
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('?') => (0, Some(1)),
                Some('{') => match counts(self.rest.as_str()) {
                    Some((least, most, rest)) => {
                        // The closing bracket is gone over below.
                        self.rest = rest.chars();
                        (least, most)
                    }
                    None => return Ok(()),
                },
                _ => return Ok(()),
            };
            self.rest.next();
            self.takes("?");
            if least.max(most.unwrap_or(0)) > MOST_REPEATS || most.is_some_and(|most| most < least) {
                return Err("a repetition's numbers are out of range");
            }
            let over = self.distance(start)?.wrapping_add(1);
            let part = self.regex.steps.split_off(start);
            for _ in 0..least {
                self.regex.steps.extend_from_slice(&part);
                self.distance(0)?;
            }
            match most {
                None => {
                    self.regex.steps.push(Step::Split(over.wrapping_add(1)));
                    self.regex.steps.extend_from_slice(&part);
                    self.regex.steps.push(Step::Jump(over.wrapping_neg()));
                }
                Some(most) => {
                    for _ in least..most {
                        self.regex.steps.push(Step::Split(over));
                        self.regex.steps.extend_from_slice(&part);
                        self.distance(0)?;
                    }
                }
            }
        }
    }

    /// What a repetition repeats.
    fn single(&mut self, depth: u32) -> Compiled {
        let from = self.regex.ranges.len();
        let Flags { lines, dot_all, .. } = self.flags;
        let mut negated = false;
        match self.rest.next() {
            Some('(') => return self.group(depth),
            Some('^') => return self.place(if lines { Place::LineStart } else { Place::Start }),
            Some('$') => return self.place(if lines { Place::LineEnd } else { Place::End }),
            Some('*' | '+' | '?') => return Err(NOTHING_TO_REPEAT),
            Some('[') => negated = self.class()?,
            Some('.') => {
                negated = true;
                if !dot_all {
                    self.range('\n', '\n');
                }
            }
            Some('\\') => match self.peek() {
                Some('A') => return self.escaped_place(Place::Start),
                Some('z') => return self.escaped_place(Place::End),
                Some('b') => return self.escaped_place(Place::WordEdge),
                Some('B') => return self.escaped_place(Place::NoWordEdge),
                _ => {
                    if let Some(letter) = self.escape()? {
                        self.range(letter, letter);
                    }
                }
            },
            Some(letter) => self.range(letter, letter),
            None => {}
        }
        let narrow = |place: usize| u16::try_from(place).map_err(|_| "it is too large");
        let (from, to) = (narrow(from)?, narrow(self.regex.ranges.len())?);
        self.regex.steps.push(Step::One { from, to, negated, fold: self.flags.fold });
        self.distance(0).map(|_| ())
    }

    fn range(&mut self, first: char, last: char) {
        self.regex.ranges.push((first, last));
    }

    fn place(&mut self, place: Place) -> Compiled {
        self.regex.steps.push(Step::At(place));
        Ok(())
    }

    fn escaped_place(&mut self, place: Place) -> Compiled {
        self.rest.next();
        self.place(place)
    }

    /// What follows a bracket: `a)`, `?:a)`, `?P<name>a)`, `?<name>a)`, `?i-s:a)`, or `?i)`, which
    /// holds to the end of the group that it is in.
    fn group(&mut self, depth: u32) -> Compiled {
        let outside = self.flags;
        if self.takes("?P<") || self.takes("?<") {
            if !self
                .rest
                .by_ref()
                .take_while(|letter| *letter != '>')
                .all(|letter| letter == '_' || letter.is_ascii_alphanumeric())
            {
                return Err("a group's name is not one");
            }
        } else if self.takes("?") {
            let mut on = true;
            loop {
                match self.rest.next() {
                    Some('i') => self.flags.fold = on,
                    Some('m') => self.flags.lines = on,
                    Some('s') => self.flags.dot_all = on,
                    // Which part matches makes no difference here.
                    Some('U') => {}
                    Some('-') if on => on = false,
                    Some(':') => break,
                    Some(')') if matches!(self.peek(), Some('*' | '+' | '?' | '{')) => return Err(NOTHING_TO_REPEAT),
                    Some(')') => return Ok(()),
                    _ => return Err("a group's flags are not known"),
                }
            }
        }
        self.alternatives(depth.saturating_add(1))?;
        self.flags = outside;
        if self.takes(")") { Ok(()) } else { Err("a group is not closed") }
    }

    /// What follows a square bracket; whether the class is what it does not name.
    fn class(&mut self) -> Result<bool, &'static str> {
        let negated = self.takes("^");
        let mut is_first = true;
        while is_first || !self.takes("]") {
            is_first = false;
            if self.takes("[:") {
                let negated = self.takes("^");
                let named = NAMED.iter().find(|(name, _)| self.takes(name));
                let (_, ranges) = named.ok_or("a class has no such name")?;
                self.ranges(ranges, negated);
                continue;
            }
            let Some(first) = self.member()? else { continue };
            let mut last = first;
            if self.rest.as_str().starts_with('-') && !self.rest.as_str().starts_with("-]") {
                self.rest.next();
                last = self.member()?.filter(|last| *last >= first).ok_or("a class has a range that is none")?;
            }
            self.range(first, last);
        }
        Ok(negated)
    }

    /// A character of a class; `None` if it was several, which are added.
    fn member(&mut self) -> Result<Option<char>, &'static str> {
        match self.rest.next() {
            None => Err("a class is not closed"),
            Some('\\') => self.escape(),
            letter => Ok(letter),
        }
    }

    /// What a backslash makes of what follows: a character, or several, which are added.
    fn escape(&mut self) -> Result<Option<char>, &'static str> {
        let letter = self.rest.next().ok_or("a backslash has nothing behind it")?;
        let ranges = match letter.to_ascii_lowercase() {
            'd' => DIGIT,
            's' => SPACE,
            'w' => WORD,
            _ if letter == 'x' => return self.hexadecimal().map(Some),
            _ if letter.is_ascii_punctuation() => return Ok(Some(letter)),
            _ => {
                let known = LETTERS.iter().find(|(known, _)| *known == letter);
                return known.map(|(_, meant)| Some(*meant)).ok_or("a backslash has what it does not go with");
            }
        };
        self.ranges(ranges, letter.is_ascii_uppercase());
        Ok(None)
    }

    /// `\x7F` and `\x{10FFFF}`
    fn hexadecimal(&mut self) -> Result<char, &'static str> {
        let is_long = self.takes("{");
        let mut code = 0_u32;
        let mut digits = 0_u32;
        while digits < 2 || is_long {
            match self.rest.next() {
                Some('}') if is_long && digits > 0 => break,
                digit => match digit.and_then(|digit| digit.to_digit(16)) {
                    Some(digit) if digits < 8 => code = code.wrapping_shl(4) | digit,
                    _ => return Err("a hexadecimal number is none"),
                },
            }
            digits = digits.saturating_add(1);
        }
        char::from_u32(code).ok_or("a hexadecimal number is no character's")
    }

    /// Adds ranges, which are in order, or what is between them.
    fn ranges(&mut self, ranges: Ranges, negated: bool) {
        let mut after = '\0';
        for (first, last) in ranges {
            if !negated {
                self.range((*first).into(), (*last).into());
            } else if u32::from(*first) > after.into() {
                self.range(after, first.wrapping_sub(1).into());
            }
            after = last.wrapping_add(1).into();
        }
        if negated {
            self.range(after, char::MAX);
        }
    }
}

/// Reads `{2}`, `{2,}` or `{2,3}` up to the last bracket: the least, the most, and the rest. Whatever
/// else a bracket begins is itself.
fn counts(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (least, rest) = number(text.strip_prefix('{')?)?;
    if rest.starts_with('}') {
        return Some((least, Some(least), rest));
    }
    let rest = rest.strip_prefix(',')?;
    if rest.starts_with('}') {
        return Some((least, None, rest));
    }
    let (most, rest) = number(rest)?;
    rest.starts_with('}').then_some((least, Some(most), rest))
}

/// The digits that `text` begins with, and the rest.
fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(digits)?;
    let number = crate::text::scan::decimal(digits.as_bytes())?;
    Some((u32::try_from(number).unwrap_or(u32::MAX), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All texts of at most `length` of these letters.
    fn texts(letters: &str, length: u32) -> Vec<String> {
        let mut texts = vec![String::new()];
        let mut start = 0;
        for _ in 0..length {
            let longer: Vec<_> = texts[start..]
                .iter()
                .flat_map(|text| letters.chars().map(move |letter| format!("{text}{letter}")))
                .collect();
            start = texts.len();
            texts.extend(longer);
        }
        texts
    }

    #[test]
    fn as_regex_lite() {
        let texts = [texts("aB-1", 4), texts("é\n_ ", 3), texts("]^.\u{10ffff}", 2)].concat();
        for expression in [
            "",
            "a",
            "^a$",
            "a|B|1",
            "^(a|B|1)$",
            "^(?:a|)$",
            "a*",
            "^a+$",
            "^a?B$",
            "^(a*)*$",
            "^(a|B?)+$",
            "(a+){2}",
            "^a{2}$",
            "^a{2,}$",
            "^a{1,3}$",
            "^(aB){0,2}$",
            "^a{0}$",
            "^(a{2}){2}$",
            "^(a?){3}$",
            "a*?",
            "^a{1,2}?$",
            "^.$",
            "^.{2}$",
            "^(?s).{2}$",
            "(?m)^a$",
            "(?i)^ab$",
            "^(?i:A)b",
            "^(?i)a(?-i)B$",
            "^(?i:[a-b])$",
            "^((?i)a)B$",
            r"\bB",
            r"\Ba",
            r"a\b",
            r"^\d$",
            r"^\D$",
            r"^\w+$",
            r"^\W$",
            r"^\s$",
            r"^\S$",
            r"\A1\z",
            "[aB]",
            "^[^aB]$",
            "^[]a]$",
            "^[^]a]$",
            "^[a-]$",
            "^[-a]$",
            r"^[\d-]$",
            r"^[^\d]$",
            r"^[\Wa]$",
            "^[[:alpha:]]$",
            "^[[:^alpha:]1]$",
            "^[^[:space:]]$",
            "^[[:punct:]]$",
            "^[[:word:]]+$",
            r"^\x61$",
            r"^\x{e9}$",
            r"^[\x60-\x62]$",
            r"\.",
            r"\n",
            "é",
            "^é{2}$",
            "(?P<name>a)B",
            "(?<name>a)B",
            "^$",
            "$^",
            "^^a",
            "a$$",
            "(^a|B$)",
            "(a|B)*1",
            "^(a|aB)(1|B1)$",
            ".*1.*a",
            "^[a-zA-Z]+[0-9]*$",
            "a||B",
            "()",
            "(|a)+$",
            "^(|a)+$",
            "(?U)a+?",
            "^a(?i)b|B1$",
            "^(a(?i)b|B)1$",
        ] {
            let ours = Regex::new(expression).expect(expression);
            let theirs = regex_lite::Regex::new(expression).expect(expression);
            for text in &texts {
                assert_eq!(ours.is_match(text), theirs.is_match(text), "{expression:?} {text:?}");
            }
        }
    }

    #[test]
    fn expressions_of_chance() {
        const PARTS: [&str; 24] = [
            "a", "b", "-", ".", "*", "+", "?", "|", "(", ")", "[", "]", "^", "$", "{1,2}", "{2}", r"\d", r"\b", r"\W",
            "[^a]", "(?:", "[a-c]", "(?i)", "1",
        ];
        let texts = texts("ab1-", 4);
        let mut chance = 1_u32;
        let (mut both, mut neither) = (0, 0);
        for _ in 0..4000 {
            let mut expression = String::new();
            for _ in 0..8 {
                chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                expression.push_str(PARTS[(chance >> 16) as usize % PARTS.len()]);
            }
            match (Regex::new(&expression), regex_lite::Regex::new(&expression)) {
                (Ok(ours), Ok(theirs)) => {
                    both += 1;
                    for text in &texts {
                        assert_eq!(ours.is_match(text), theirs.is_match(text), "{expression:?} {text:?}");
                    }
                }
                (Err(_), Err(_)) => neither += 1,
                // RE2 takes an opening bracket for itself within a class, and a repetition that is
                // not one; regex-lite repeats what is before flags.
                (Ok(_), Err(_)) => assert!(expression.contains('[') || expression.contains('{'), "{expression:?}"),
                (Err(fault), Ok(_)) => {
                    let odd = ["(?i)*", "(?i)+", "(?i)?", "(?i){"].iter().any(|part| expression.contains(part));
                    assert!(odd, "{expression:?}: {fault}");
                }
            }
        }
        assert!(both > 200 && neither > 200, "{both} {neither}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (expression, why) in [
            ("(", "not closed"),
            (")", "not opened"),
            ("a(b|c", "not closed"),
            ("*", "nothing to repeat"),
            ("a|+", "nothing to repeat"),
            ("[a", "class is not closed"),
            ("[]", "class is not closed"),
            ("[b-a]", "range"),
            (r"[\d-a-\d]", "range"),
            ("[[:foo:]]", "name"),
            ("\\", "backslash"),
            (r"\y", "backslash"),
            (r"\pL", "backslash"),
            (r"\x{110000}", "hexadecimal"),
            (r"\x{}", "hexadecimal"),
            (r"\xg", "hexadecimal"),
            ("(?=a)", "flags"),
            ("(?P<a", "not closed"),
            ("(?P<a-b>c)", "name"),
            ("a{3,2}", "out of range"),
            ("a{1001}", "out of range"),
            ("((a{1000}){1000})", "too large"),
            (&"(".repeat(1000), "within each other"),
            (&"a".repeat(100_000), "too large"),
            (&"|".repeat(100_000), "too large"),
        ] {
            let fault = Regex::new(expression).expect_err(expression);
            assert!(fault.contains(why), "{expression:?}: {fault}");
        }
    }

    #[test]
    fn brackets_that_repeat_nothing_are_themselves() {
        assert!(Regex::new("^a{,2}$").unwrap().is_match("a{,2}"));
        assert!(Regex::new("^{[[]}$").unwrap().is_match("{[}"));
    }

    #[test]
    fn what_takes_others_ages_takes_none() {
        let regex = Regex::new("^(a|a)*(a|a)*(a*)*b$").unwrap();
        assert!(!regex.is_match(&"a".repeat(2000)));
        assert!(regex.is_match(&format!("{}b", "a".repeat(2000))));
    }
}
