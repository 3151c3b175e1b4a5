// Before anything is painted: light or dark, as chosen here or as the system is.
;(function () {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const set = () => {
    let chosen
    try {
      chosen = JSON.parse(localStorage.getItem('millrace.theme'))
    } catch {
      // Storage may be closed to us; the system's theme it is.
    }
    const dark = chosen === 'dark' || (chosen !== 'light' && system.matches)
    document.documentElement.dataset.theme = dark ? 'dark' : 'light'
  }
  set()
  system.addEventListener('change', set)
  addEventListener('millrace:theme', set)
  addEventListener('storage', set)
})()
