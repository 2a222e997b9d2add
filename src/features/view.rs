//! The ways of looking at a picture.

use serde::{Deserialize, Serialize};

use crate::picture::Picture;
use crate::pixels;

/// A way of looking at a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// The whole picture, its shorter side reduced to the tower's input, the centre cut out.
    Whole,
    /// The central square at the picture's own resolution, where a generator leaves its grain. Absent where
    /// the shorter side is under twice the square's: there the whole picture already shows nearly as much.
    Detail,
    /// Five squares at the picture's own resolution, the central one and the middle of each quarter, of which the tower's
    /// answers are averaged. Absent where [`View::Detail`] is, so no two quarters share a pixel.
    Details,
}

impl View {
    /// What a person is told was measured.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Whole => "the whole picture, reduced",
            Self::Detail => "its centre at full resolution",
            Self::Details => "its centre and its quarters at full resolution",
        }
    }

    /// How many squares of a picture the tower is shown.
    #[must_use]
    pub fn squares(self) -> usize {
        match self {
            Self::Whole | Self::Detail => 1,
            Self::Details => 5,
        }
    }

    /// `[squares, 3, side, side]`, or `None` where the picture is too small for this view.
    #[must_use]
    pub fn pixels(self, picture: &Picture, side: usize) -> Option<Vec<f32>> {
        let (width, height) = (picture.width as usize, picture.height as usize);
        match self {
            Self::Whole => Some(pixels::clip_pixels(picture, side)),
            _ if width.min(height) < 2 * side => None,
            Self::Detail => pixels::centre_crop(picture, side),
            // A quarter's middle: as far from the picture's edge as from the line that divides it.
            Self::Details => five(picture, side, (width / 2 - side) / 2, (height / 2 - side) / 2),
        }
    }

    /// The same of a file that is the centre of a larger picture, whose reduced whole is another file: a square must
    /// fit, and five lie as far apart as they can. `None` for [`View::Whole`], which is not to be had from it.
    #[must_use]
    pub fn pixels_of_centre(self, centre: &Picture, side: usize) -> Option<Vec<f32>> {
        match self {
            Self::Whole => None,
            Self::Detail => pixels::centre_crop(centre, side),
            Self::Details => five(centre, side, 0, 0),
        }
    }
}

/// The central square, and one in each corner, `left` and `top` away from the picture's edges: `[5, 3, side, side]`.
fn five(picture: &Picture, side: usize, left: usize, top: usize) -> Option<Vec<f32>> {
    let right = (picture.width as usize).checked_sub(side + left)?;
    let bottom = (picture.height as usize).checked_sub(side + top)?;
    let corners = [(left, top), (right, top), (left, bottom), (right, bottom)];
    let mut squares = pixels::centre_crop(picture, side)?;
    for (left, top) in corners {
        squares.extend(pixels::crop(picture, side, left, top)?);
    }
    Some(squares)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pixel tells where it is.
    fn picture(width: u32, height: u32) -> Picture {
        let rgb = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x as u8, y as u8, 9])).collect();
        Picture { width, height, rgb, format: "PNG".to_owned() }
    }

    /// Where each square of a view begins: left, top.
    fn places(squares: &[f32], side: usize) -> Vec<(usize, usize)> {
        let place = |value: f32, channel: usize| {
            ((value * pixels::STD[channel] + pixels::MEAN[channel]) * 255.0).round() as usize
        };
        let squares = squares.chunks(3 * side * side);
        squares.map(|square| (place(square[0], 0), place(square[side * side], 1))).collect()
    }

    #[test]
    fn detail_is_the_centre_as_it_is_and_absent_in_small_pictures() {
        assert_eq!(View::Detail.pixels(&picture(7, 9), 4), None);
        let detail = View::Detail.pixels(&picture(8, 8), 4).unwrap();
        let expected = pixels::clip_pixels(&picture(8, 8), 8); // [3, 8, 8], not resized
        for (index, value) in detail.iter().enumerate() {
            let (channel, y, x) = (index / 16, index / 4 % 4 + 2, index % 4 + 2);
            assert!((value - expected[channel * 64 + y * 8 + x]).abs() < 1e-6);
        }
        assert_eq!(View::Whole.pixels(&picture(7, 7), 4).unwrap().len(), 3 * 4 * 4);
    }

    #[test]
    fn details_are_the_centre_and_the_middles_of_the_quarters() {
        assert_eq!(View::Details.pixels(&picture(7, 9), 4), None);
        let smallest = View::Details.pixels(&picture(8, 8), 4).unwrap();
        assert_eq!(places(&smallest, 4), [(2, 2), (0, 0), (4, 0), (0, 4), (4, 4)]);
        let wide = View::Details.pixels(&picture(40, 20), 4).unwrap();
        assert_eq!(places(&wide, 4), [(18, 8), (8, 3), (28, 3), (8, 13), (28, 13)]);
        assert_eq!(wide.len(), View::Details.squares() * 3 * 4 * 4);
        // The first is the one that is looked at alone.
        assert_eq!(wide[..3 * 4 * 4], View::Detail.pixels(&picture(40, 20), 4).unwrap());
    }

    #[test]
    fn of_a_centre_that_was_cut_out_all_is_used() {
        let centre = picture(6, 5);
        assert_eq!(View::Whole.pixels_of_centre(&centre, 4), None);
        assert_eq!(places(&View::Detail.pixels_of_centre(&centre, 4).unwrap(), 4), [(1, 0)]);
        let details = View::Details.pixels_of_centre(&centre, 4).unwrap();
        assert_eq!(places(&details, 4), [(1, 0), (0, 0), (2, 0), (0, 1), (2, 1)]);
        assert_eq!(View::Details.pixels_of_centre(&picture(6, 3), 4), None);
    }

    #[test]
    fn every_view_has_a_name_and_says_what_it_shows() {
        let all = [View::Whole, View::Detail, View::Details];
        let names: Vec<String> = all.iter().map(|view| serde_json::to_string(view).unwrap()).collect();
        assert_eq!(names, [r#""whole""#, r#""detail""#, r#""details""#]);
        let words: std::collections::BTreeSet<&str> = all.iter().map(|view| view.words()).collect();
        assert_eq!(words.len(), names.len());
    }
}
