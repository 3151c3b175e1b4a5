/** The list of keys. */
import { useKept } from '../kept.ts'
import { Dialog, Kbd, Switch } from '../ui/index.ts'
import { words } from '../words/shell.ts'
import { PALETTE, useOffered } from './keys.ts'

export function Help({ open, onClose }: { open: boolean; onClose: () => void }) {
  const offered = useOffered().filter(({ keys }) => keys !== undefined)
  const [on, setOn] = useKept('keys', true)
  const fixed = [
    { name: words.help.find, keys: PALETTE },
    { name: words.help.keys, keys: '?' },
  ]
  return (
    <Dialog open={open} onClose={onClose} title={words.help.title} lead={words.help.lead}>
      <ul className="flex flex-col">
        {[...fixed, ...offered].map(({ name, keys = '' }) => (
          <li
            key={`${keys}${name}`}
            className="flex items-center justify-between border-b border-line py-1.5 last:border-b-0"
          >
            {name}
            <span className="flex items-center gap-1">
              {keys.split(' ').map((key) => (
                <Kbd key={key} keys={key} />
              ))}
            </span>
          </li>
        ))}
      </ul>
      <div className="mt-4">
        <Switch label={words.help.off} checked={on} onChange={setOn} />
      </div>
    </Dialog>
  )
}
