// Before anything is painted: light or dark, as chosen here or as the system is.
;(function () {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const set = () => {
    let chosen
    let dense = false
    try {
      chosen = JSON.parse(localStorage.getItem('millrace.theme'))
      dense = JSON.parse(localStorage.getItem('millrace.density')) === 'compact'
    } catch {
      // Storage may be closed to us; the system's theme it is.
    }
    const dark = chosen === 'dark' || (chosen !== 'light' && system.matches)
    document.documentElement.dataset.theme = dark ? 'dark' : 'light'
    document.documentElement.dataset.density = dense ? 'compact' : 'normal'
  }
  set()
  system.addEventListener('change', set)
  addEventListener('millrace:theme', set)
  addEventListener('storage', set)
})()
