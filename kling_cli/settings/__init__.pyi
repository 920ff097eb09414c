from .config_file import write_setting as write_setting
from .credential_store import (
    StoredCredentials as StoredCredentials,
    delete_credentials as delete_credentials,
    store_credentials as store_credentials,
)
from .parsers import (
    is_loopback_url as is_loopback_url,
    parse_seconds as parse_seconds,
    parse_secret as parse_secret,
)
from .proxies import Proxies as Proxies, Proxy as Proxy, Resolver as Resolver
from .settings import (
    ACCOUNT_SETTINGS as ACCOUNT_SETTINGS,
    API_HOSTS as API_HOSTS,
    LOGIN_HINT as LOGIN_HINT,
    SANDBOX_FOLDER as SANDBOX_FOLDER,
    Settings as Settings,
    read_settings as read_settings,
    resolve_config_dir as resolve_config_dir,
    resolve_state_dir as resolve_state_dir,
    with_options as with_options,
)
from .webhook_secret import (
    EXPECTED_FORMAT as EXPECTED_FORMAT,
    has_foreign_characters as has_foreign_characters,
    parse_secret_options as parse_secret_options,
    signing_keys as signing_keys,
)
