/** What is pressed: buttons, and links that look as such. */
import { Button as Base } from '@base-ui/react/button'
import type { LucideIcon } from 'lucide-react'
import type { ComponentProps, ReactNode } from 'react'
import { Link as Way } from 'wouter'
import { Tooltip } from './tooltip.tsx'

type Look = 'plain' | 'primary' | 'danger' | 'quiet'

const LOOKS: Readonly<Record<Look, string>> = {
  plain: 'border border-edge bg-box text-ink shadow-low hover:bg-sunk',
  primary: 'border border-transparent bg-accent text-on-accent shadow-low hover:bg-accent-strong',
  danger: 'border border-bad bg-box text-bad hover:bg-bad-wash',
  quiet: 'border border-transparent text-dim hover:bg-sunk hover:text-ink',
}
const BASE =
  'inline-flex items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap select-none transition-colors disabled:opacity-50 data-disabled:opacity-50 data-disabled:cursor-not-allowed'
const SIZES = { small: 'h-7 px-2 text-sm', normal: 'h-8 px-3 text-base' } as const

interface Shape {
  readonly look?: Look
  readonly size?: keyof typeof SIZES
  readonly icon?: LucideIcon
}

const dress = ({ look = 'plain', size = 'normal' }: Shape, more = '') => `${BASE} ${LOOKS[look]} ${SIZES[size]} ${more}`

interface ButtonProps extends Omit<ComponentProps<'button'>, 'className'>, Shape {
  /** Under way: it can be pressed once only. */
  readonly busy?: boolean
}

export function Button({
  look,
  size,
  icon: Icon,
  busy = false,
  disabled,
  children,
  type = 'button',
  ...rest
}: ButtonProps) {
  return (
    <Base
      {...rest}
      type={type}
      disabled={disabled === true || busy}
      focusableWhenDisabled
      aria-busy={busy || undefined}
      className={dress(given({ look, size }))}
    >
      {Icon === undefined ? null : <Icon aria-hidden size={15} className={busy ? 'pulse' : ''} />}
      {children}
    </Base>
  )
}

/** A button of only a picture; its name is told on hover and to who does not see. */
export function IconButton({
  label,
  icon: Icon,
  look = 'quiet',
  size = 'normal',
  ...rest
}: Omit<ButtonProps, 'children'> & { label: string; icon: LucideIcon }) {
  return (
    <Tooltip text={label}>
      <Base
        {...rest}
        focusableWhenDisabled
        aria-label={label}
        className={`${BASE} ${LOOKS[look]} ${size === 'small' ? 'size-7' : 'size-8'} shrink-0`}
      >
        <Icon aria-hidden size={16} />
      </Base>
    </Tooltip>
  )
}

/** A way to another page that stands where buttons stand. */
export function ButtonLink({ href, look, size, icon: Icon, children }: Shape & { href: string; children: ReactNode }) {
  return (
    <Way href={href} className={dress(given({ look, size }))}>
      {Icon === undefined ? null : <Icon aria-hidden size={15} />}
      {children}
    </Way>
  )
}

/** A way to another page in running text. */
export function Link({ href, children, title }: { href: string; children: ReactNode; title?: string }) {
  const look = 'text-accent underline decoration-accent/35 underline-offset-3 hover:decoration-accent'
  // What the server answers itself is no page of the console.
  if (/^(\/api\/|https?:)/.test(href)) {
    return (
      <a href={href} className={look} title={title}>
        {children}
      </a>
    )
  }
  return (
    <Way href={href} className={look} title={title}>
      {children}
    </Way>
  )
}

function given(shape: { look: Look | undefined; size: keyof typeof SIZES | undefined }): Shape {
  return {
    ...(shape.look === undefined ? {} : { look: shape.look }),
    ...(shape.size === undefined ? {} : { size: shape.size }),
  }
}
