interface Opened extends AsyncDisposable {
  url: string
}

const refused = async (url: string) => {
  try {
    await fetch(url.replace('ws:', 'http:'))
    return false
  } catch {
    return true
  }
}

describe('what the harness opens', () => {
  it('ends with the block that it is used in', async () => {
    const { wsProvider } = jest.requireActual<{ wsProvider: () => Promise<Opened> }>(
      '@chainlink/external-adapter-framework/testing',
    )
    let url = ''
    {
      await using provider = await wsProvider()
      url = provider.url
      expect(await refused(url)).toBe(false)
    }
    expect(await refused(url)).toBe(true)
  })
})
