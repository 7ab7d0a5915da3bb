# To be sourced: `chromium WHAT FONTS...` finds Chromium and puppeteer, installs them where that is
# possible, and sets $work, the folder that scripts are run from. Exits with 77 where one cannot be
# had: then WHAT is not done.
puppeteer=25.16.0
work=${SVGX_TEST_TOOLS:-target/tools}/pages-$puppeteer

chromium() {
    local what=$1
    shift
    if ! command -v chromium >/dev/null; then
        command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] && apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium "$@" >/dev/null 2>&1
    fi
    command -v chromium >/dev/null || { echo "no Chromium here: $what"; exit 77; }
    command -v npm >/dev/null || { echo "no npm here: $what"; exit 77; }
    [ ! -e "$work/installed" ] || return 0
    mkdir -p "$work" && printf '{"private":true}' >"$work/package.json"
    npm --prefix "$work" install --ignore-scripts --no-audit --no-fund --silent "puppeteer-core@$puppeteer" ||
        { echo "npm cannot fetch puppeteer-core here"; exit 77; }
    touch "$work/installed"
}
