//! A profile: a directory with a key, a database and a lock; who we are.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

use shared::{
    crypto::random::Random,
    identity::{
        Fingerprint, Identity, Next, clean_name, clean_optional, clean_speaker,
        credential::{MAX_GLYPH, MAX_STATUS},
        recovery::{ENTROPY_LEN, RecoveryKey, seed_of},
    },
    room as engine,
};
use zeroize::Zeroizing;

use super::{DATABASE, Damage, FileKey, KeySource, Store, StoreError, StoredNotice, Vault, lock::Lock};

pub(super) const IDENTITY: &str = "identity";
/// What the phrase of the recovery key says.
pub(super) const PHRASE: &str = "phrase";
pub(super) const NAME: &str = "name";
pub(super) const RELAY: &str = "relay";
pub(super) const STATUS: &str = "status";
pub(super) const GLYPH: &str = "glyph";

/// Where a profile lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileDir(PathBuf);

impl ProfileDir {
    /// The directory that was named, or the one the system has for this (XDG on Linux).
    ///
    /// # Errors
    /// [`StoreError`] when neither is there: no home directory.
    pub fn choose(named: Option<PathBuf>) -> Result<Self, StoreError> {
        named.or_else(|| relay::home::data_dir("schat")).map(Self).ok_or(StoreError::NoHome)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// There is a profile already, or what is left of one, or something that hides whether there is one.
    pub fn is_made(&self) -> bool {
        let is_there = |path: PathBuf| path.try_exists().unwrap_or(true);
        is_there(self.0.join(DATABASE)) || is_there(FileKey::path(&self.0))
    }

    /// No process has the profile.
    pub fn is_free(&self) -> bool {
        Lock::take(&self.0).is_ok()
    }

    /// Where files are that are written to standard output as soon as they are whole; nothing stays there.
    pub fn output(&self) -> PathBuf {
        self.0.join("output")
    }

    /// Where `schat host` keeps its relay.
    pub fn relay(&self) -> PathBuf {
        self.0.join("relay")
    }
}

/// A profile in use: nobody else has it until this is dropped.
pub struct OpenProfile {
    /// The account, its name and what the engine needs.
    pub engine: engine::Profile,
    /// The database.
    pub vault: Vault,
    /// Nothing was there before.
    pub is_new: bool,
    /// It has no account that anybody knows: it may become a device of one. Until then it is nobody, with an account that
    /// is not kept.
    pub is_blank: bool,
    /// The relay that was used last.
    pub last_relay: Option<String>,
    dir: ProfileDir,
    // Released by the system however the process ends. None where nothing can be written, so nobody else writes either.
    _lock: Option<Lock>,
}

impl OpenProfile {
    /// Opens the profile, and makes it on first use. `name` becomes its display name, unless the person has other devices and is
    /// called otherwise.
    ///
    /// # Errors
    /// [`StoreError`] when another process has it, it is locked or damaged, or the name cannot be shown.
    pub fn open(dir: ProfileDir, name: Option<&str>, random: Random) -> Result<Self, StoreError> {
        Self::open_with(dir, name, random, &FileKey)
    }

    /// The same, with a key from elsewhere.
    ///
    /// # Errors
    /// [`StoreError`], or that of the source, when the key cannot be had.
    pub fn open_with<E: From<StoreError>>(
        dir: ProfileDir,
        name: Option<&str>,
        random: Random,
        key: &dyn KeySource<E>,
    ) -> Result<Self, E> {
        make_private(dir.path())?;
        let lock = Lock::take(dir.path())?;
        whole(dir.path())?;
        let key = key.key(dir.path(), &random)?;
        let mut store = Store::open(dir.path(), &key, random.clone())?;
        Self::is_being_linked(&store)?;
        let known = store.meta(IDENTITY)?;
        let is_new = known.is_none();
        let identity = match known {
            Some(bytes) => kept(&mut store, &bytes, &random)?,
            None => found(&mut store, &Zeroizing::new(random.bytes()), &random)?,
        };
        let name = choose_name(&mut store, name)?;
        Ok(Self { is_new, ..Self::of(store, identity, name, random, (dir, Some(lock)))? })
    }

    /// Opens the profile to link this device. One that nobody used is blank: nothing says that its account is to stay. `give_up`
    /// is asked where one was used that is in no room, or was taken out of all: whether its account is given up.
    ///
    /// # Errors
    /// As [`OpenProfile::open_with`], and what `give_up` says.
    pub fn open_to_link<E: From<StoreError>>(
        dir: ProfileDir,
        random: Random,
        key: &dyn KeySource<E>,
        give_up: impl FnOnce() -> Result<bool, E>,
    ) -> Result<Self, E> {
        let is_made = dir.is_made();
        make_private(dir.path())?;
        let lock = Lock::take(dir.path())?;
        whole(dir.path())?;
        let key = key.key(dir.path(), &random)?;
        let mut store = Store::open(dir.path(), &key, random.clone())?;
        let known = store.meta(IDENTITY)?;
        let is_new = known.is_none();
        let is_blank = match is_new || store.is_becoming()? || store.is_unused()? {
            true => true,
            // Going on with what is under way asks nothing.
            false => store.linking()?.is_none() && store.may_become()? && give_up()?,
        };
        let identity = match known {
            Some(bytes) if !is_blank => kept(&mut store, &bytes, &random)?,
            _ => Identity::generate(&random, Next::NONE),
        };
        let name = choose_name(&mut store, None)?;
        // Without an account it is there all the same, and that was said.
        let is_new = is_new && !is_made;
        Ok(Self { is_new, is_blank, ..Self::of(store, identity, name, random, (dir, Some(lock)))? })
    }

    /// Opens a profile where nothing can be written, to look at what is stored.
    ///
    /// # Errors
    /// [`StoreError`] when it is locked or damaged, or of an earlier version: then it has to be writable once.
    pub fn open_read_only<E: From<StoreError>>(
        dir: ProfileDir,
        random: Random,
        key: &dyn KeySource<E>,
    ) -> Result<Self, E> {
        whole(dir.path())?;
        let key = key.key(dir.path(), &random)?;
        let store = Store::open_read_only(dir.path(), &key, random.clone())?;
        let known = store.meta(IDENTITY)?.ok_or(StoreError::Damaged(Damage::Identity))?;
        let name = text(store.meta(NAME)?).unwrap_or_else(usual_name);
        Ok(Self::of(store, identity(&known)?, name, random, (dir, None))?)
    }

    fn of(
        store: Store,
        identity: Identity,
        name: String,
        random: Random,
        (dir, lock): (ProfileDir, Option<Lock>),
    ) -> Result<Self, StoreError> {
        let last_relay = text(store.meta(RELAY)?);
        let engine = engine::Profile {
            identity: Arc::new(identity),
            name,
            status: clean(store.meta(STATUS)?, MAX_STATUS),
            glyph: clean(store.meta(GLYPH)?, MAX_GLYPH),
            device_name: store.device_name()?.unwrap_or_else(device_name),
            random,
            suite: Default::default(),
        };
        Ok(Self {
            engine,
            vault: Vault::new(store),
            is_new: false,
            is_blank: false,
            last_relay,
            dir,
            _lock: lock,
        })
    }

    /// Its directory.
    pub fn dir(&self) -> &ProfileDir {
        &self.dir
    }
}

impl Store {
    /// Remembers the relay for rooms that are named without one.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_last_relay(&mut self, relay: &str) -> Result<(), StoreError> {
        self.set_meta(RELAY, relay.as_bytes())
    }

    /// This is the account of the profile from now on, and what the phrase of its recovery key says where it is known.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then nothing has changed.
    pub fn set_account(
        &mut self,
        account: &Identity,
        entropy: Option<&[u8; ENTROPY_LEN]>,
    ) -> Result<(), StoreError> {
        self.all_or_nothing(|store| {
            store.set_meta(IDENTITY, &account.to_bytes())?;
            match entropy {
                Some(entropy) => store.set_meta(PHRASE, entropy),
                None => store.forget_phrase_entropy(),
            }
        })
    }

    /// The account that this was has another key from now on, and its new phrase, which seals backups by this key, was written
    /// down. All other devices are out, so it does not matter who was out before, and what they said counts no more: what people are
    /// to be told of that comes back. None, and nothing has changed, when it is another one by now.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written; then nothing has changed.
    pub fn replace_account(
        &mut self,
        was: &Fingerprint,
        account: &Identity,
        backup_key: &[u8; 32],
    ) -> Result<Option<Vec<StoredNotice>>, StoreError> {
        let stored = self.meta(IDENTITY)?.ok_or(StoreError::Damaged(Damage::Identity))?;
        if identity(&stored)?.fingerprint() != *was {
            return Ok(None);
        }
        self.all_or_nothing(|store| {
            store.set_account(account, None)?;
            store.set_backup_key(backup_key)?;
            store.is_in_again()?;
            store.was_account(was, &account.fingerprint())?;
            Ok(Some(store.forget_all_devices()?))
        })
    }

    /// What the phrase of the recovery key says, while nobody has written it down.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn phrase_entropy(&self) -> Result<Option<Zeroizing<[u8; ENTROPY_LEN]>>, StoreError> {
        let Some(bytes) = self.meta(PHRASE)? else { return Ok(None) };
        let entropy = bytes.as_slice().try_into().map_err(|_| StoreError::Damaged(Damage::Phrase))?;
        Ok(Some(Zeroizing::new(entropy)))
    }

    /// The phrase was written down: this device keeps it no more.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn forget_phrase_entropy(&mut self) -> Result<(), StoreError> {
        self.db.execute("DELETE FROM meta WHERE key = ?1", [PHRASE])?;
        Ok(())
    }

    /// Remembers the display name for rooms to come.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_name(&mut self, name: &str) -> Result<(), StoreError> {
        self.set_meta(NAME, name.as_bytes())
    }

    /// The display name, status and sign, as they are now. None: nobody chose it.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub fn described(&self) -> Result<[Option<String>; 3], StoreError> {
        Ok([text(self.meta(NAME)?), text(self.meta(STATUS)?), text(self.meta(GLYPH)?)])
    }

    /// Remembers what we say of ourselves for rooms to come.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written.
    pub fn set_description(&mut self, status: &str, glyph: &str) -> Result<(), StoreError> {
        self.set_meta(STATUS, status.as_bytes())?;
        self.set_meta(GLYPH, glyph.as_bytes())
    }
}

/// A profile that is being made of what another device had. Nobody else has it until this is dropped.
pub struct NewProfile {
    /// Its database.
    pub store: Store,
    _lock: Lock,
}

impl NewProfile {
    /// Makes one, without an account, in a directory that has none.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written, or another process has it.
    pub fn make(dir: &Path, random: &Random) -> Result<Self, StoreError> {
        make_private(dir)?;
        let lock = Lock::take(dir)?;
        let key = FileKey.key(dir, random)?;
        Ok(Self { store: Store::open(dir, &key, random.clone())?, _lock: lock })
    }
}

/// What the engine needs of an account that was carried here.
pub fn engine_profile(
    account: Identity,
    (name, status, glyph): (&str, &str, &str),
    random: &Random,
) -> engine::Profile {
    engine::Profile {
        identity: Arc::new(account),
        name: clean_speaker(name).unwrap_or_else(|_| usual_name()),
        status: status.to_owned(),
        glyph: glyph.to_owned(),
        device_name: device_name(),
        random: random.clone(),
        suite: Default::default(),
    }
}

/// A key says that there was a profile. Without its database it is not a new one: all rooms would be gone, unsaid.
fn whole(dir: &Path) -> Result<(), StoreError> {
    let has_key = FileKey::path(dir).exists();
    match fs::metadata(dir.join(DATABASE)) {
        Ok(database) if database.len() == 0 && has_key => Err(StoreError::Damaged(Damage::Empty)),
        Err(error) if error.kind() == ErrorKind::NotFound && has_key => {
            Err(StoreError::Damaged(Damage::Gone))
        }
        // What else is wrong with it is told by whoever reads it.
        _ => Ok(()),
    }
}

pub(super) fn identity(bytes: &[u8]) -> Result<Identity, StoreError> {
    Identity::read(bytes).ok_or(StoreError::Damaged(Damage::Identity))
}

/// The account that the profile has.
fn kept(store: &mut Store, bytes: &[u8], random: &Random) -> Result<Identity, StoreError> {
    match <[u8; 32]>::try_from(bytes) {
        // Of a version that knew no recovery key.
        Ok(secret) => found(store, &Zeroizing::new(secret), random),
        Err(_) => identity(bytes),
    }
}

/// An account of this key, with a fresh recovery key: what its phrase says is kept until somebody was shown it.
fn found(store: &mut Store, secret: &[u8; 32], random: &Random) -> Result<Identity, StoreError> {
    let entropy = Zeroizing::new(random.bytes());
    let account = Identity::new(secret, RecoveryKey::from_seed(&seed_of(&entropy)).next());
    store.set_account(&account, Some(&entropy))?;
    Ok(account)
}

fn choose_name(store: &mut Store, wanted: Option<&str>) -> Result<String, StoreError> {
    let stored = text(store.meta(NAME)?).and_then(|name| clean_speaker(&name).ok());
    let Some(wanted) = wanted else {
        return Ok(stored.unwrap_or_else(usual_name));
    };
    let name = clean_speaker(wanted).map_err(StoreError::BadName)?;
    match stored {
        // A person has one name at all devices, which is changed at all of them or at none.
        Some(stored) if stored != name && store.has_devices()? => return Ok(stored),
        Some(stored) if stored == name => {}
        _ => store.set_name(&name)?,
    }
    Ok(name)
}

fn text(bytes: Option<Zeroizing<Vec<u8>>>) -> Option<String> {
    bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok())
}

/// What an earlier version took, and names may not hold any more, is left out.
fn clean(bytes: Option<Zeroizing<Vec<u8>>>, most: usize) -> String {
    text(bytes).and_then(|text| clean_optional(&text, most).ok()).unwrap_or_default()
}

/// What somebody is called who chose no name: as the system calls them.
pub fn usual_name() -> String {
    login_name().unwrap_or_else(|| "guest".to_owned())
}

fn login_name() -> Option<String> {
    ["USER", "USERNAME"].iter().find_map(|name| clean_speaker(&std::env::var(name).ok()?).ok())
}

/// Told to the members of a room only.
fn device_name() -> String {
    let name = fs::read_to_string("/etc/hostname").ok().or_else(|| std::env::var("COMPUTERNAME").ok());
    name.and_then(|name| clean_name(&name).ok()).unwrap_or_else(|| "device".to_owned())
}

fn make_private(dir: &Path) -> Result<(), StoreError> {
    let cannot = |error: std::io::Error| match error.kind() {
        ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly(dir.to_owned()),
        ErrorKind::AlreadyExists => StoreError::NoDirectory(dir.to_owned()),
        _ => StoreError::Place(dir.to_owned(), error.to_string()),
    };
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(cannot)?;
    #[cfg(unix)]
    fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o700)).map_err(cannot)?;
    Ok(())
}
