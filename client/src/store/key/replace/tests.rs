//! The power goes between any two steps, and a disk keeps of what was not synced whatever it likes.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use rand_core::UnwrapErr;
use shared::crypto::random::Random;
use tempfile::TempDir;

use super::*;
use crate::store::{Cost, KeyFile, KeySource as _, Passphrase, StoreError, Wrap, key::ProfileKey};

/// What the key is called until it is complete.
const DRAFT: &str = "key.new";

type Names = BTreeMap<String, usize>;

/// A directory in memory, and all that a power cut may leave of it.
#[derive(Default)]
struct Model {
    /// Contents, and whether they are on the disk.
    files: RefCell<Vec<(Vec<u8>, bool)>>,
    /// What names there were since they were synced last; the last is now.
    names: RefCell<Vec<Names>>,
    /// Steps that are still done; then the power is gone.
    left: Cell<usize>,
}

impl Model {
    fn with(key: &[u8], draft: Option<&[u8]>, steps: usize) -> Self {
        let mut names = Names::from([(KEY.to_owned(), 0)]);
        let mut files = vec![(key.to_vec(), true)];
        if let Some(draft) = draft {
            names.insert(DRAFT.to_owned(), 1);
            files.push((draft.to_vec(), true));
        }
        Self { files: RefCell::new(files), names: RefCell::new(vec![names]), left: Cell::new(steps) }
    }

    fn step(&self) -> io::Result<()> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| io::Error::other("the power is gone"))?;
        self.left.set(left);
        Ok(())
    }

    fn now(&self) -> Names {
        self.names.borrow().last().unwrap().clone()
    }

    fn becomes(&self, names: Names) {
        self.names.borrow_mut().push(names);
    }

    /// What may be found under `key`: of each moment since the last sync of names, and of a file that was not synced
    /// nothing, a part or all.
    fn found(&self) -> Vec<Option<Vec<u8>>> {
        let files = self.files.borrow();
        let of = |names: &Names| match names.get(KEY).map(|at| &files[*at]) {
            None => vec![None],
            Some((bytes, true)) => vec![Some(bytes.clone())],
            Some((bytes, false)) => {
                [0, bytes.len() / 2, bytes.len()].map(|length| Some(bytes[..length].to_vec())).to_vec()
            }
        };
        self.names.borrow().iter().flat_map(of).collect()
    }
}

impl Directory for Model {
    fn remove(&self, name: &str) -> io::Result<()> {
        self.step()?;
        let mut names = self.now();
        names.remove(name);
        self.becomes(names);
        Ok(())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        let mut names = self.now();
        let mut files = self.files.borrow_mut();
        files.push((bytes.to_vec(), false));
        if names.insert(name.to_owned(), files.len() - 1).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.becomes(names);
        Ok(())
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.step()?;
        self.files.borrow_mut()[self.now()[name]].1 = true;
        Ok(())
    }

    fn read(&self, name: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        self.step()?;
        Ok(Zeroizing::new(self.files.borrow()[self.now()[name]].0.clone()))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step()?;
        let mut names = self.now();
        let file = names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        names.insert(to.to_owned(), file);
        self.becomes(names);
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        self.step()?;
        let now = self.now();
        *self.names.borrow_mut() = vec![now];
        Ok(())
    }
}

fn whole(_: &[u8]) -> io::Result<()> {
    Ok(())
}

#[test]
fn power_cut_leaves_the_old_key_or_the_new_one_whole() {
    let (old, new) = ([1; 32], [2; 119]);
    for draft in [None, Some(&[3; 7][..])] {
        let mut ended = 0;
        for steps in 0..20 {
            let model = Model::with(&old, draft, steps);
            let done = replace(&model, KEY, &new, whole);
            for found in model.found() {
                let found = found.expect("there is a key");
                let is_new = found == new;
                assert!(
                    is_new || (found == old && done.is_err()),
                    "after {steps} steps: {found:?}, {done:?}"
                );
            }
            if done.is_ok() {
                ended += 1;
                assert!(!model.now().contains_key(DRAFT));
            }
        }
        assert!(ended > 5, "it comes to an end: {ended}");
    }
}

#[test]
fn draft_that_does_not_open_is_not_put_in_place_and_does_not_stay() {
    let model = Model::with(&[1; 32], None, 20);
    let refused = replace(&model, KEY, &[2; 119], |_| Err(io::Error::other("no")));
    assert!(refused.is_err());
    assert_eq!(model.found().last(), Some(&Some(vec![1; 32])));
    assert!(!model.now().contains_key(DRAFT));
}

/// A real directory in which steps fail.
struct Fails<'a>(OnDisk<'a>, Cell<usize>);

impl Fails<'_> {
    fn step(&self) -> io::Result<()> {
        let left = self.1.get().checked_sub(1).ok_or_else(|| io::Error::other("killed"))?;
        self.1.set(left);
        Ok(())
    }
}

impl Directory for Fails<'_> {
    fn remove(&self, name: &str) -> io::Result<()> {
        self.step().and_then(|()| self.0.remove(name))
    }
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // Killed in the middle of it.
        self.step().or_else(|error| self.0.write(name, &bytes[..bytes.len() / 2]).and(Err(error)))?;
        self.0.write(name, bytes)
    }
    fn sync(&self, name: &str) -> io::Result<()> {
        self.step().and_then(|()| self.0.sync(name))
    }
    fn read(&self, name: &str) -> io::Result<Zeroizing<Vec<u8>>> {
        self.step().and_then(|()| self.0.read(name))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step().and_then(|()| self.0.rename(from, to))
    }
    fn sync_names(&self) -> io::Result<()> {
        self.step().and_then(|()| self.0.sync_names())
    }
}

#[test]
fn kill_at_any_step_leaves_a_profile_that_opens_and_no_draft_after_that() {
    let random = Random::new(UnwrapErr(getrandom::SysRng));
    let cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };
    let given = Passphrase::given("correct horse").unwrap();
    let mut ends = [0, 0];
    let open = |wrap: &Wrap| wrap.open(&given);
    for (to_locked, steps) in (0..10).flat_map(|steps| [(true, steps), (false, steps)]) {
        let dir = TempDir::new().unwrap();
        let key = ProfileKey(Zeroizing::new([7; 32]));
        let wrap = Wrap::seal(&key, &given, cost, &random).unwrap().to_bytes();
        let (old, new) = if to_locked { (vec![7; 32], wrap) } else { (wrap, vec![7; 32]) };
        fs::write(dir.path().join(KEY), &old).unwrap();
        let done = replace(&Fails(OnDisk(dir.path()), Cell::new(steps)), KEY, &new, whole);

        let opened = crate::store::Asking(&open).key(dir.path(), &random).unwrap();
        assert_eq!(opened.0, key.0, "after {steps} steps");
        assert!(!dir.path().join(DRAFT).exists(), "after {steps} steps");
        let is_locked = matches!(KeyFile::read(dir.path()).unwrap(), Some(KeyFile::Locked(_)));
        ends[usize::from(is_locked)] += 1;
        assert!(done.is_err() || is_locked == to_locked);
    }
    assert!(ends.iter().all(|ends| *ends > 5), "{ends:?}");
}

#[cfg(unix)]
#[test]
fn key_is_its_owners_alone_and_a_planted_link_leads_nowhere() {
    let dir = TempDir::new().unwrap();
    let elsewhere = dir.path().join("elsewhere");
    fs::write(&elsewhere, "mine").unwrap();
    std::os::unix::fs::symlink(&elsewhere, dir.path().join(DRAFT)).unwrap();
    replace(&OnDisk(dir.path()), KEY, &[1; 32], |_| Ok::<(), StoreError>(())).unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), b"mine");
    let key = fs::symlink_metadata(dir.path().join(KEY)).unwrap();
    assert!(key.is_file());
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o777, 0o600);
}
