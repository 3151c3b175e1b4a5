/** The transcripts as a file: which, and with what in it. */
import { Download } from 'lucide-react'
import { useState } from 'react'
import { addressOf } from '../api.ts'
import { Button, Dialog, Select, Switch } from '../ui/index.ts'
import { exported as words } from '../words/results.ts'

type Format = 'csv' | 'jsonl'

export function Exporting({ run, open, onClose }: { run: number; open: boolean; onClose: () => void }) {
  const [format, setFormat] = useState<Format>('csv')
  const [all, setAll] = useState(false)
  const [texts, setTexts] = useState(false)
  const query = format === 'csv' ? { columns: all ? 'all' : undefined, texts: texts ? '1' : undefined } : {}
  const address = addressOf(`/api/export/runs/{id}/${format}`, { path: { id: run }, query })
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={words.title}
      lead={words.lead}
      actions={
        <Button
          look="primary"
          icon={Download}
          onClick={() => {
            const link = document.createElement('a')
            link.href = address
            link.download = ''
            link.click()
            onClose()
          }}
        >
          {words.go}
        </Button>
      }
    >
      <div className="flex flex-col items-start gap-4">
        <Select
          label={words.format}
          value={format}
          onChange={setFormat}
          of={[
            { value: 'csv', label: words.csv },
            { value: 'jsonl', label: words.jsonl },
          ]}
        />
        {format === 'csv' ? (
          <>
            <div>
              <Switch label={words.all} checked={all} onChange={setAll} />
              <p className="text-sm text-dim">{words.allHint}</p>
            </div>
            <Switch label={words.texts} checked={texts} onChange={setTexts} />
          </>
        ) : (
          <p className="text-sm text-dim">{words.jsonlHint}</p>
        )}
      </div>
    </Dialog>
  )
}
