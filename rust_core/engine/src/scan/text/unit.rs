//! From places in decoded text back to places in the file.

/// How many bytes of the file a piece of decoded text stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// As many as the text has.
    #[default]
    Byte,
    /// One for each character.
    Single,
    /// Two for each character, four for those of four bytes.
    Wide,
}

impl Unit {
    /// How many bytes of the file `text` stands for.
    #[inline]
    #[must_use]
    pub fn length(self, text: &[u8]) -> u64 {
        let characters = || text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        let length = match self {
            Self::Byte => text.len(),
            Self::Single => characters(),
            Self::Wide => {
                2 * (characters()
                    + text
                        .iter()
                        .filter(|&&byte| (0xf0..0xff).contains(&byte))
                        .count())
            }
        };
        length as u64
    }
}

/// How many bytes at the start of `text` stand for `length` bytes of the file.
#[must_use]
pub fn prefix(unit: Unit, text: &[u8], length: u64) -> usize {
    if unit == Unit::Byte {
        return usize::try_from(length)
            .unwrap_or(usize::MAX)
            .min(text.len());
    }
    let mut passed = 0;
    for (at, byte) in text.iter().enumerate() {
        if byte & 0xc0 != 0x80 && passed >= length {
            return at;
        }
        passed += unit.length(std::slice::from_ref(byte));
    }
    text.len()
}

/// Places in the file for places in a chunk, each found in constant time.
#[derive(Debug, Default)]
pub struct Places {
    unit: Unit,
    /// The length in the file of the chunk's text up to each multiple of [`Self::STEP`].
    sums: Vec<u64>,
}

impl Places {
    const STEP: usize = 1024;

    /// The places of a chunk's text.
    #[must_use]
    pub fn new(unit: Unit, text: &[u8]) -> Self {
        let mut sums = Vec::new();
        if unit != Unit::Byte {
            let mut sum = 0;
            for step in text.chunks(Self::STEP) {
                sums.push(sum);
                sum += unit.length(step);
            }
            sums.push(sum);
        }
        Self { unit, sums }
    }

    /// How many bytes of the file the first `end` bytes of the chunk's text stand for.
    #[inline]
    #[must_use]
    pub fn length(&self, text: &[u8], end: usize) -> u64 {
        if self.unit == Unit::Byte {
            return end as u64;
        }
        let step = end / Self::STEP;
        let sum = self.sums.get(step).copied().unwrap_or_default();
        let rest = text.get(step * Self::STEP..end).unwrap_or_default();
        sum + self.unit.length(rest)
    }
}
