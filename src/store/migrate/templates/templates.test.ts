// Templates of Nunjucks and Handlebars say the same as Liquid, or what differs is named.
import { describe, expect, it } from 'vitest'
import { renderText } from '../liquid-text.ts'
import { fromHandlebars } from './handlebars.ts'
import { fromNunjucks } from './nunjucks.ts'

const values = {
  name: 'Ada',
  void: '',
  zero: 0,
  list: ['a', 'b'],
  none: [],
  yes: true,
  no: false,
  user: { age: 36, 'first-name': 'A' },
}
async function nunjucks(template: string): Promise<string> {
  const made = fromNunjucks(template)
  return 'problem' in made ? `!${made.problem}` : renderText(made.text, values)
}
async function handlebars(template: string) {
  const { pieces, troubles } = await fromHandlebars(
    template,
    (name) => ({ greet: 'Hi {{name}}', again: '{{> again}}' })[name],
  )
  const texts = await Promise.all(
    pieces.map(async ({ role, template: text }) => `${role ?? '-'}|${await renderText(text, values)}`),
  )
  return [...texts, ...troubles.map(({ line, what, why }) => `!${line} ${what} ${why}`)].join('\n')
}

describe('Nunjucks', () => {
  // What Nunjucks itself says to the same values, written by hand from its documentation.
  it.each([
    ['Hello {{ name }}!', 'Hello Ada!'],
    ['{{name|upper}} {{ name | lower | length }}', 'ADA 3'],
    ['{% if void %}yes{% else %}no{% endif %}', 'no'],
    ['{% if zero %}yes{% else %}no{% endif %}', 'no'],
    // The one difference: Nunjucks takes an empty list for true, as JavaScript does.
    ['{% if none %}yes{% else %}no{% endif %}', 'no'],
    ['{{ empty }}', '!"empty": a word of Liquid'],
    ['{% if not void %}yes{% endif %}', 'yes'],
    [
      '{% if name and not void %}yes{% endif %}',
      '!"and" and "or" in one condition (what counts as true differs in Liquid)',
    ],
    ['{% if name and yes %}yes{% endif %}', 'yes'],
    ['{% if name == "Ada" or zero == 1 %}yes{% endif %}', 'yes'],
    ['{% if not (name == "Ada" and zero == 1) %}yes{% endif %}', 'yes'],
    ['{% if user.age >= 36 %}old{% elif user.age > 3 %}young{% endif %}', 'old'],
    ['{% for one in list %}{{ loop.index }}{{ one }}{% if not loop.last %},{% endif %}{% endfor %}', '1a,2b'],
    ['{% for one in none %}x{% else %}nothing{% endfor %}', 'nothing'],
    ['{% set who = name %}{{ who }}', 'Ada'],
    ['{{ list | join(", ") }} {{ list.length }} {{ list[1] }} {{ user["first-name"] }}', 'a, b 2 b A'],
    ['{{ "a" if yes else "b" }} {{ "a" if no else "b" }}', 'a b'],
    ['{{ name | replace("A", "I") | trim }}{# a comment #}', 'Ida'],
    ['{% raw %}{{ name }}{% endraw %}', '{{ name }}'],
    ['{{ list | dump }}', '["a","b"]'],
    ['x {{- name -}} y', 'xAday'],
    ['{{ name() }}', '!the call name()'],
    ['{{ range.constructor("return 1")() }}', '!the call range.constructor()'],
    ['{{ a + b }}', '!"a + b", at "+ b"'],
    ['{% macro x() %}{% endmacro %}', '!the tag {% macro %}'],
    ['{% include "/etc/passwd" %}', '!the tag {% include %}'],
    ['{{ env.HOME }}', '!env.HOME: a variable of the environment'],
    ['{{ name | truncate(2) }}', '!the filter "truncate"'],
    ['{% for k, v in user %}{% endfor %}', '!{% for k, v in user %}: Liquid loops have one variable'],
    ['{% if yes %}', '!{% if %} has no end'],
  ])('%s', async (template, expected) => {
    expect(await nunjucks(template)).toBe(expected)
  })

  it('tells the line of what it cannot say', () => {
    expect(fromNunjucks('one\ntwo {{ x | batch(3) }}')).toEqual({ problem: 'the filter "batch"', line: 2 })
  })
})

describe('Handlebars', () => {
  it.each([
    ['Hello {{name}} {{{name}}}', '-|Hello Ada Ada'],
    ['{{role "system"}}Be kind.{{role "model"}}{{name}}', 'system|Be kind.\nassistant|Ada'],
    ['{{#role "user"}}a{{/role}}', 'user|a'],
    ['{{#if none}}yes{{else}}no{{/if}}{{#unless void}}!{{/unless}}', '-|no!'],
    ['{{#if yes}}a{{else if name}}b{{/if}}', '-|a'],
    ['{{#each list}}{{@index}}{{this}}{{#if @last}}.{{/if}}{{/each}}', '-|0a1b.'],
    ['{{#each list}}{{../name}}{{/each}}{{#each none}}x{{else}}none{{/each}}', '-|AdaAdanone'],
    ['{{#with user}}{{age}} {{@root.name}}{{/with}} {{user.age}} {{list.length}} {{list.[1]}}', '-|36 Ada 36 2 b'],
    ['{{#ifEquals name "Ada"}}same{{/ifEquals}}{{json list}}', '-|same["a","b"]'],
    ['{{> greet}}!', '-|Hi Ada!'],
    ['\\{{name}}', '-|{{name}}'],
    ['{{! secret }}{{!-- also --}}x', '-|x'],
    ['a\n{{media url=x}}', '-|a\n\n!2 {{media}} the helper "media" has no equal in Liquid'],
    ['a{{> nowhere}}', '-|a\n!1 {{>nowhere}} there is no file of the partial "nowhere"'],
    ['{{#each user}}{{@key}}{{/each}}', '-|\n!1 {{@key}} "@key" has no equal in Liquid'],
    ['x{{blank}}', '-|x\n!1 {{blank}} "blank": a word of Liquid'],
    ['{{#if yes}}{{role "user"}}{{/if}}', '-|\n!1 {{role}} a role inside a block'],
  ])('%s', async (template, expected) => {
    expect((await handlebars(template)).trimEnd()).toBe(expected)
  })

  it('ends with a partial that contains itself', async () => {
    expect(await handlebars('{{> again}}')).toContain('contains itself')
  })
})
