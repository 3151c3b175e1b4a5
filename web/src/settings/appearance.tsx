/** How the console looks, in this browser. */
import { useKept } from '../kept.ts'
import { Card, Select, Time } from '../ui/index.ts'
import { words } from '../words/settings.ts'

const AN_HOUR_AGO = new Date(Date.now() - 3_600_000).toISOString()

export default function Appearance() {
  const [theme, setTheme] = useKept<'system' | 'light' | 'dark'>('theme', 'system')
  const [density, setDensity] = useKept<'normal' | 'compact'>('density', 'normal')
  const [times, setTimes] = useKept<'relative' | 'exact'>('times', 'relative')
  // The page's own root is told too: it stands before all components.
  const tellRoot = () => dispatchEvent(new Event('millrace:theme'))
  return (
    <div className="max-w-xl">
      <Card>
        <div className="flex flex-col items-start gap-4">
          <Select
            label={words.theme.label}
            value={theme}
            of={(['system', 'light', 'dark'] as const).map((value) => ({ value, label: words.theme[value] }))}
            onChange={(next) => {
              setTheme(next)
              tellRoot()
            }}
          />
          <Select
            label={words.density.label}
            value={density}
            of={(['normal', 'compact'] as const).map((value) => ({ value, label: words.density[value] }))}
            onChange={(next) => {
              setDensity(next)
              tellRoot()
            }}
          />
          <Select
            label={words.times.label}
            value={times}
            of={(['relative', 'exact'] as const).map((value) => ({ value, label: words.times[value] }))}
            onChange={setTimes}
          />
          <p className="text-dim">
            {words.example}: <Time at={AN_HOUR_AGO} />. {words.browserOnly}
          </p>
        </div>
      </Card>
    </div>
  )
}
