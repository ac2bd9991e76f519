use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};
use ratatui::{buffer::Buffer, layout::Rect};
use shared::identity::Avatar;

use super::*;
use crate::store::PictureKey;

const BLOCKS: Shows = Shows { how: How::Blocks { is_true: true }, cell: (8, 16), in_tmux: false };

fn red(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = DynamicImage::from(RgbImage::from_pixel(width, height, Rgb([255, 0, 0])));
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn job(place: Option<FileLocation>, preview: Vec<u8>, how: How) -> Job {
    let key = PictureKey::of_avatar(&Avatar { id: [7; 16], key: [0; 32], parts: [0; 32], size: 1 });
    let shows = Shows { how, ..BLOCKS };
    Job { key, id: 7, place, preview, shows, most: (40, 12), is_avatar: false }
}

fn at(dir: &tempfile::TempDir, bytes: &[u8]) -> FileLocation {
    let path = dir.path().join("cat.png");
    std::fs::write(&path, bytes).unwrap();
    let found = std::fs::metadata(&path).unwrap();
    FileLocation::of(path, &found)
}

#[test]
fn picture_that_is_here_is_painted_and_else_its_preview() {
    let dir = tempfile::tempdir().unwrap();
    let place = at(&dir, &red(800, 400));
    let whole = paint(job(Some(place.clone()), red(64, 32), BLOCKS.how));
    assert_eq!((whole.is_whole, whole.cells), (true, (40, 10)));
    let part = paint(job(None, red(64, 32), BLOCKS.how));
    assert_eq!((part.is_whole, part.cells, part.canvas.is_some()), (false, (40, 10), true));
    let nothing = paint(job(None, Vec::new(), BLOCKS.how));
    assert!(nothing.canvas.is_none() && !nothing.is_too_large && !nothing.is_refused);
}

#[test]
fn small_picture_that_was_fetched_is_not_smaller_than_its_preview_was() {
    let dir = tempfile::tempdir().unwrap();
    for (how, cells) in [(BLOCKS.how, (40, 10)), (How::Kitty, (40, 10))] {
        let preview = paint(job(None, red(64, 32), how));
        assert_eq!((preview.is_whole, preview.cells), (false, cells));
        for (width, height) in [(20, 10), (64, 32), (100, 50), (4_000, 2_000)] {
            let whole = paint(job(Some(at(&dir, &red(width, height))), red(64, 32), how));
            assert_eq!((whole.is_whole, whole.cells), (true, cells), "{width}");
        }
    }
    // One that came without grows no more than before.
    assert_eq!(paint(job(Some(at(&dir, &red(20, 10))), Vec::new(), BLOCKS.how)).cells, (3, 1));
}

#[test]
fn another_file_at_the_place_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let place = at(&dir, &red(800, 400));
    std::fs::write(&place.path, red(801, 400)).unwrap();
    let other = FileLocation { modified_ns: place.modified_ns.wrapping_sub(1), ..at(&dir, &red(801, 400)) };
    for wrong in [FileLocation { size: place.size + 1, ..place }, other] {
        assert!(paint(job(Some(wrong), Vec::new(), BLOCKS.how)).canvas.is_none());
    }
}

#[test]
fn bomb_is_said_to_be_too_large_and_its_preview_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let place = at(&dir, &red(12_001, 1));
    let painted = paint(job(Some(place), red(64, 1), BLOCKS.how));
    assert!(painted.is_too_large && painted.is_refused && !painted.is_whole && painted.canvas.is_some());
}

#[test]
fn hostile_previews_are_shown_as_nothing() {
    let escape = b"\x1b]1337;File=inline=1:AAAA\x07\x1b[2J".to_vec();
    for preview in [escape, red(129, 129), b"\x89PNG\r\n\x1a\n".to_vec(), vec![0xff; 4096], vec![]] {
        for how in [BLOCKS.how, How::Kitty, How::Iterm2, How::Sixel] {
            assert!(paint(job(None, preview.clone(), how)).canvas.is_none());
        }
    }
}

#[test]
fn picture_of_a_member_is_small_or_not_shown() {
    let avatar = |bytes| paint(Job { most: (4, 2), is_avatar: true, ..job(None, bytes, BLOCKS.how) });
    assert_eq!(avatar(red(128, 128)).cells, (4, 2));
    assert_eq!(avatar(red(512, 512)).cells, (4, 2));
    for wrong in [red(513, 1), [red(9, 9), vec![0; 64 << 10]].concat(), b"\x1b[2J".to_vec(), Vec::new()] {
        let (is_here, painted) = (!wrong.is_empty(), avatar(wrong));
        assert!(painted.canvas.is_none() && painted.is_refused == is_here);
    }
}

#[test]
fn graphics_stay_within_their_cells_however_far_they_are_scrolled() {
    let dir = tempfile::tempdir().unwrap();
    let place = at(&dir, &red(300, 150));
    for how in [How::Kitty, How::Iterm2, How::Sixel] {
        let painted = paint(job(Some(place.clone()), Vec::new(), how));
        assert_eq!(painted.cells, (38, 10), "{how:?}");
        let canvas = painted.canvas.unwrap();
        assert!(canvas.is_graphic() && canvas.bytes() > 0 && canvas.row(0).is_empty());
        for first in 0..10 {
            let all = Rect::new(0, 0, 60, 20);
            let mut buffer = Buffer::empty(all);
            let area = Rect { x: 5, y: 3, width: 38, height: 10 - first };
            canvas.draw(first, area, &mut buffer);
            let outside = all.positions().filter(|position| !area.contains(*position));
            assert!(outside.into_iter().all(|position| buffer[position] == Buffer::empty(all)[position]));
            let is_drawn = area.positions().any(|position| buffer[position].symbol() != " ");
            assert_eq!(is_drawn, how != How::Sixel || first == 0, "{how:?} {first}");
        }
    }
}
