"""From the webhook to Klaviyo: kept, translated, and delivered once, whatever dies in between."""
