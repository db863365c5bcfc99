// Which images a wish needs: each with its bases, in the order in which they can be made.

import { RUNTIMES } from '@hearth/core/runtime'
import { expect, test } from 'vitest'
import {
  GRAFANA,
  IMAGES,
  imagesFor,
  imagesOf,
  isPulledOnly,
  PROMETHEUS,
  STANDARD_IMAGES,
} from './image-list.ts'

const tags = (images: readonly { tag: string }[]) => images.map(({ tag }) => tag)

test('every runtime has an image, and every image its bases before it', () => {
  for (const { image } of Object.values(RUNTIMES)) expect(tags(IMAGES)).toContain(image)
  for (const [index, { from }] of IMAGES.entries()) {
    for (const base of from) expect(tags(IMAGES.slice(0, index))).toContain(base)
  }
})

test('up makes what Hearth needs and the commonest runtimes, and no more', () => {
  const standard = tags(STANDARD_IMAGES)
  for (const runtime of ['nodejs22.x', 'nodejs24.x', 'python3.13']) {
    expect(standard).toContain(`hearth/${runtime}`)
  }
  expect(standard).not.toContain('hearth/nodejs20.x')
  for (const { from } of STANDARD_IMAGES) expect(standard).toEqual(expect.arrayContaining(from))
})

test('a runtime is made with its bases and its SDK alone', () => {
  expect(tags(imagesOf(['nodejs20.x']))).toEqual([
    'hearth/debian:trixie-slim',
    'hearth/base:trixie',
    'hearth/aws-sdk-js:3',
    'hearth/nodejs20.x',
  ])
})

test('what only a registry has is pulled before what is built on it, and never by up', () => {
  expect(tags(imagesOf(['python3.12']))).toEqual([
    'hearth/debian:trixie-slim',
    'hearth/base:trixie',
    'hearth/boto3:trixie',
    'hearth/upstream-python:3.12',
    'hearth/on-python:3.12',
    'hearth/python3.12',
  ])
  const pulled = imagesOf(['dotnet10']).filter(isPulledOnly)
  expect(pulled.map(({ upstream }) => upstream)).toEqual([
    'mcr.microsoft.com/dotnet/sdk:10.0-noble',
    'mcr.microsoft.com/dotnet/aspnet:10.0-noble',
  ])
  expect(STANDARD_IMAGES.filter(isPulledOnly)).toEqual([])
  // What can be built is never refused for want of a registry.
  expect(imagesOf(['nodejs24.x', 'java21', 'ruby3.3']).filter(isPulledOnly)).toEqual([])
})

test('who keeps the metrics is made from Debian, and who shows them is pulled', () => {
  expect(tags(imagesFor(PROMETHEUS))).toEqual(['hearth/debian:trixie-slim', PROMETHEUS.tag])
  expect(imagesFor(GRAFANA).map(isPulledOnly)).toEqual([true])
  for (const image of [PROMETHEUS, GRAFANA]) expect(STANDARD_IMAGES).not.toContain(image)
})

test('an unknown runtime is refused with the list of those that are known', () => {
  expect(() => imagesOf(['cobol85'])).toThrow(/cobol85 is not a runtime.*nodejs24\.x/)
})
