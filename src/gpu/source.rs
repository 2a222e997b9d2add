//! From a kernel's file to the WGSL that a device compiles.
//!
//! WGSL cannot repeat a statement, and naga, the compiler of Firefox and wgpu, neither unrolls loops nor keeps
//! arrays with a computed index in registers. So three rules turn a short file into an unrolled kernel:
//!
//! - `const` declarations for the file's constants are put before it;
//! - a line with `$r` is written once for every value of `r`, and so for each letter that has a range;
//! - a line that ends in `//? word` stays only where that word is given.

use std::fmt::Write;

/// What a kernel's file is completed with.
#[derive(Debug, Clone, Default)]
pub struct Source {
    constants: String,
    ranges: Vec<(String, usize)>,
    words: Vec<&'static str>,
}

impl Source {
    /// Declares `name` as an unsigned integer.
    #[must_use]
    pub fn size(self, name: &str, value: usize) -> Self {
        self.declare(name, format_args!("{value}u"))
    }

    /// Declares `name` as a float.
    #[must_use]
    pub fn float(self, name: &str, value: f32) -> Self {
        self.declare(name, format_args!("f32({value:e})"))
    }

    /// Repeats lines with `$letter` for 0…`count` − 1.
    #[must_use]
    pub fn repeat(mut self, letter: char, count: usize) -> Self {
        self.ranges.push((format!("${letter}"), count));
        self
    }

    /// Keeps lines that end in `//? word`.
    #[must_use]
    pub fn keep(mut self, word: &'static str) -> Self {
        self.words.push(word);
        self
    }

    /// The WGSL of `files`, one after another.
    #[must_use]
    pub fn expand(&self, files: &[&str]) -> String {
        let mut code = self.constants.clone();
        for line in files.iter().flat_map(|file| file.lines()) {
            let line = match line.rsplit_once("//? ") {
                Some((line, word)) if self.words.contains(&word) => line.trim_end(),
                Some(_) => continue,
                None => line,
            };
            self.unroll(line, &mut code);
        }
        code
    }

    fn declare(mut self, name: &str, value: std::fmt::Arguments<'_>) -> Self {
        // Writing to a string cannot fail.
        let _ = writeln!(self.constants, "const {name} = {value};");
        self
    }

    fn unroll(&self, line: &str, code: &mut String) {
        if let Some((mark, count)) = self.ranges.iter().find(|(mark, _)| line.contains(mark)) {
            (0..*count).for_each(|value| self.unroll(&line.replace(mark, &value.to_string()), code));
        } else {
            code.push_str(line);
            code.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_repeated_kept_and_left_out() {
        let source = Source::default().size("R", 2).float("E", 1e-5).repeat('r', 2).repeat('c', 2).keep("bias");
        let file = "var s_$r_$c = x_$r;\nb //? bias\ng //? gelu\nend";
        let expected = "const R = 2u;\nconst E = f32(1e-5);\nvar s_0_0 = x_0;\nvar s_0_1 = x_0;\nvar s_1_0 = x_1;\n\
                        var s_1_1 = x_1;\nb\nend\n";
        assert_eq!(source.expand(&[file]), expected);
    }
}
