#!/bin/sh
# A command in another root, in mount and process namespaces of its own: chroot.sh ROOT DOTNET COMMAND... It has the
# kernel's file systems, the machine's ways to the network and whom it trusts there, and the folder of the .NET SDK as
# /usr/share/dotnet.
set -eu
root=$1 dotnet=$2
shift 2

# A mount point, as a root is.
mount --bind "$root" "$root"
mount -t proc none "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mkdir -p "$root/usr/share/dotnet" "$root/root/.nuget/packages"
mount --bind "$dotnet" "$root/usr/share/dotnet"
ln -sf ../share/dotnet/dotnet "$root/usr/bin/dotnet"
for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
  [ ! -e "$file" ] || cat "$file" >"$root$file"
done
# What NuGet has already, and how it is reached.
mount --bind "${NUGET_PACKAGES:-$HOME/.nuget/packages}" "$root/root/.nuget/packages"
[ ! -d "$HOME/.nuget/NuGet" ] || cp -r "$HOME/.nuget/NuGet" "$root/root/.nuget/"

exec env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 chroot "$root" "$@"
