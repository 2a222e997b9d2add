//! The headers of a JPEG (ITU-T T.81, annex B): quantisation tables, sampling factors, EXIF.

/// libjpeg's luminance table at quality 50, row by row (T.81, table K.1).
const LUMA: [u16; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, //
    12, 12, 14, 19, 26, 58, 60, 55, //
    14, 13, 16, 24, 40, 57, 69, 56, //
    14, 17, 22, 29, 51, 87, 80, 62, //
    18, 22, 37, 56, 68, 109, 103, 77, //
    24, 35, 55, 64, 81, 104, 113, 92, //
    49, 64, 78, 87, 103, 121, 120, 101, //
    72, 92, 95, 98, 112, 100, 103, 99,
];

/// Its chrominance table (T.81, table K.2).
const CHROMA: [u16; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99, //
    18, 21, 26, 66, 99, 99, 99, 99, //
    24, 26, 56, 99, 99, 99, 99, 99, //
    47, 66, 99, 99, 99, 99, 99, 99, //
    99, 99, 99, 99, 99, 99, 99, 99, //
    99, 99, 99, 99, 99, 99, 99, 99, //
    99, 99, 99, 99, 99, 99, 99, 99, //
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// The order in which a file lists a table's values, as positions row by row (T.81, figure A.6).
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// A colour component of the frame.
#[derive(Debug, Clone, Copy)]
struct Component {
    horizontal: u8,
    vertical: u8,
    table: u8,
}

/// What the segments before the first scan say.
#[derive(Debug, Default)]
pub struct Header {
    /// Quantisation tables by number, row by row.
    tables: [Option<[u16; 64]>; 4],
    components: Vec<Component>,
    /// Whether there is an APP1 segment with EXIF.
    pub exif: bool,
}

impl Header {
    /// Reads up to the first scan; `None` where the bytes are no JPEG. A damaged header gives what
    /// could be read of it.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
        let mut header = Self::default();
        loop {
            match *rest {
                [0xff, 0xff, ..] => rest = &rest[1..], // fill byte
                [0xff, 0xd9 | 0xda, ..] => break,      // end of image, start of scan
                [0xff, 0x01 | 0xd0..=0xd7, ..] => rest = &rest[2..],
                [0xff, marker, high, low, ..] => {
                    let length = usize::from(u16::from_be_bytes([high, low])).max(2);
                    let Some(body) = rest.get(4..2 + length) else { break };
                    header.segment(marker, body);
                    rest = &rest[2 + length..];
                }
                _ => break,
            }
        }
        Some(header)
    }

    fn segment(&mut self, marker: u8, body: &[u8]) {
        match marker {
            0xe1 => self.exif |= body.starts_with(b"Exif\0"),
            0xdb => self.quantisation(body),
            // Start of frame, but for the Huffman tables, JPG and arithmetic conditioning among them.
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let component = |&[_, sampling, table]: &[u8; 3]| Component {
                    horizontal: sampling >> 4,
                    vertical: sampling & 15,
                    table,
                };
                self.components = body.get(6..).unwrap_or_default().as_chunks().0.iter().map(component).collect();
            }
            _ => {}
        }
    }

    /// Any number of tables: precision and number in a byte, then 64 values of one or two bytes.
    fn quantisation(&mut self, mut body: &[u8]) {
        while let Some((&first, after)) = body.split_first() {
            let wide = first >> 4 != 0;
            let Some(values) = after.get(..if wide { 128 } else { 64 }) else { return };
            let mut table = [0; 64];
            for (order, &position) in ZIGZAG.iter().enumerate() {
                table[usize::from(position)] = if wide {
                    u16::from_be_bytes([values[2 * order], values[2 * order + 1]])
                } else {
                    u16::from(values[order])
                };
            }
            if let Some(place) = self.tables.get_mut(usize::from(first & 15)) {
                *place = Some(table);
            }
            body = &after[values.len()..];
        }
    }

    /// The quality 1…100 at which libjpeg's tables are nearest to the file's, by the sum of the
    /// absolute differences of their logarithms: exact where the tables are libjpeg's.
    pub fn quality(&self) -> Option<u8> {
        let table = |component: usize| self.tables[usize::from(self.components.get(component)?.table) & 3];
        let luma = table(0)?;
        // Some writers use one table for all.
        let chroma = table(1).filter(|_| self.components.len() == 3);
        let distance = |quality: u8| {
            let of = |standard: &[u16; 64], got: &[u16; 64]| -> f64 {
                let pairs = scaled(standard, quality).zip(got);
                pairs.map(|(a, &b)| (f64::from(a).ln() - f64::from(b.max(1)).ln()).abs()).sum()
            };
            of(&LUMA, &luma) + chroma.map_or(0.0, |chroma| of(&CHROMA, &chroma))
        };
        (1..=100).map(|quality| (quality, distance(quality))).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(best, _)| best)
    }

    /// J:a:b notation of the first component against the two others; `None` where those differ from
    /// each other or there are four (inks).
    pub fn subsampling(&self) -> Option<String> {
        let [luma, blue, red] = self.components[..] else {
            return (self.components.len() == 1).then(|| "4:0:0".to_owned());
        };
        let same = blue.horizontal == red.horizontal && blue.vertical == red.vertical;
        if !same || blue.horizontal == 0 || blue.vertical == 0 {
            return None;
        }
        let ratios = (luma.horizontal / blue.horizontal, luma.vertical / blue.vertical);
        let notation = match ratios {
            (1, 1) => "4:4:4",
            (2, 1) => "4:2:2",
            (2, 2) => "4:2:0",
            (1, 2) => "4:4:0",
            (4, 1) => "4:1:1",
            (4, 2) => "4:1:0",
            _ => return None,
        };
        Some(notation.to_owned())
    }
}

/// libjpeg's `jpeg_set_quality`: the standard table scaled, baseline values 1…255.
fn scaled(standard: &[u16; 64], quality: u8) -> impl Iterator<Item = u16> {
    let quality = u32::from(quality);
    let scale = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    standard.iter().map(move |&value| ((u32::from(value) * scale + 50) / 100).clamp(1, 255) as u16)
}
