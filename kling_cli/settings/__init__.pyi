from .config_file import write_setting as write_setting
from .credential_store import (
    StoredCredentials as StoredCredentials,
    erase_credentials as erase_credentials,
    store_credentials as store_credentials,
)
from .parsers import (
    is_loopback_url as is_loopback_url,
    parse_seconds as parse_seconds,
    parse_secret as parse_secret,
)
from .proxies import LookUp as LookUp, Proxies as Proxies, Proxy as Proxy
from .settings import (
    ACCOUNT as ACCOUNT,
    HOSTS as HOSTS,
    HOW_TO_LOG_IN as HOW_TO_LOG_IN,
    SANDBOX_FOLDER as SANDBOX_FOLDER,
    Settings as Settings,
    config_dir_of as config_dir_of,
    load as load,
    state_dir_of as state_dir_of,
)
from .webhook_secret import (
    EXPECTED as EXPECTED,
    has_foreign_characters as has_foreign_characters,
    keys_of as keys_of,
    read_option as read_option,
)
