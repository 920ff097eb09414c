"""Found by every Python program that tests start; puts the loopback guard in place."""

import loopback_only

loopback_only.install()
